/** "Wrong? This is …" on a face of an answer. */
import { type Answer, type Face, PostError } from '../api.ts';
import { announce, h } from '../dom.ts';
import { settleDoubts } from './doubts.ts';
import { call, type Enrolment, wordsOf } from './gallery-api.ts';
import { nameField } from './name-field.ts';

/** What a face is called from now on. */
export type Corrected = Pick<Face, 'name' | 'known'>;

/**
 * @param words what the face is called to a screen reader
 * @param onCorrected called when the gallery has taken it
 */
export function correctionOf(
  { id, file }: Required<Pick<Answer, 'id' | 'file'>>,
  face: Face,
  words: string,
  onCorrected: (corrected: Corrected) => void,
): HTMLElement {
  const summary = h(
    'summary',
    {},
    'Wrong? This is …',
    h('span', { class: 'hidden' }, ` (${words})`),
  );
  const holder = h('details', { class: 'correct' }, summary);
  holder.addEventListener('toggle', () => {
    if (holder.open && holder.children.length === 1) fill();
  });
  return holder;

  function fill(): void {
    const { element, input } = nameField('Name');
    const save = h('button', { type: 'submit', class: 'main' }, 'This is the name');
    const nobody = h('button', { type: 'button' }, 'Nobody we know');
    const trouble = h('div', { class: 'trouble', role: 'alert', hidden: true });
    const form = h('form', {}, element, h('div', { class: 'buttons' }, save, nobody), trouble);
    const say = (text: string, ...buttons: HTMLButtonElement[]): void => {
      trouble.replaceChildren(h('p', {}, text), ...buttons);
      trouble.hidden = text === '';
      buttons[0]?.focus();
    };
    const post = async (body: object): Promise<Enrolment> => {
      for (const button of [save, nobody]) button.disabled = true;
      say('');
      try {
        return await call('POST', `v1/recognitions/${id}/correct`, {
          file,
          face: face.box,
          ...body,
        });
      } finally {
        for (const button of [save, nobody]) button.disabled = false;
      }
    };
    const correct = async (more: object = {}): Promise<void> => {
      const name = input.value.trim();
      const again = (label: string, added: object): HTMLButtonElement => {
        const button = h('button', { type: 'button' }, label);
        button.addEventListener('click', () => void correct({ ...more, ...added }));
        return button;
      };
      try {
        const enrolment = await post({ name, ...more });
        if (!(await settleDoubts(enrolment))) return say('Undone: nothing was changed.');
        announce(`Corrected: this is ${enrolment.person.name}.`);
        onCorrected({ name: enrolment.person.name, known: true });
      } catch (error) {
        const code = error instanceof PostError ? error.code : undefined;
        if (code === 'unknown-person') {
          say(
            `There is nobody called ${name} in the gallery yet.`,
            again(`Add ${name}`, { create: true }),
          );
        } else if (code === 'low-quality') {
          say(wordsOf(error), again('Enrol anyway', { accept: 'low-quality' }));
        } else say(wordsOf(error));
      }
    };
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      void correct();
    });
    nobody.addEventListener('click', async () => {
      try {
        await post({ nobody: true });
        announce('Corrected: this is nobody of the gallery.');
        onCorrected({ name: face.name, known: false });
      } catch (error) {
        say(wordsOf(error));
      }
    });
    holder.append(form);
    input.focus();
  }
}
