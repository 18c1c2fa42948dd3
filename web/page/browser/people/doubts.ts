/** Shows the doubts of an enrolment, to be kept or undone. */
import { announce, h } from '../dom.ts';
import { oddsInWords } from '../words.ts';
import { ask } from './dialogs.ts';
import { type Enrolment, undo } from './gallery-api.ts';

/** @returns whether the enrolment stands; without a doubt it does at once */
export async function settleDoubts(enrolment: Enrolment): Promise<boolean> {
  const { person, doubts } = enrolment;
  if (doubts.length === 0) return true;
  const items = doubts.map(({ message, odds }) =>
    h('li', {}, odds === undefined ? message : `${message} ${oddsInWords(odds)}`),
  );
  const chosen = await ask({
    title: `Is this really ${person.name}?`,
    content: [
      h('p', {}, 'The photos raise doubts:'),
      h('ul', { class: 'doubts' }, ...items),
      h('p', {}, 'Undo removes what was just added.'),
    ],
    choices: [
      { value: 'keep', words: `Keep ${person.name}`, look: 'main' },
      { value: 'undo', words: 'Undo' },
    ],
    async act(value) {
      if (value === 'undo') await undo(enrolment);
      return undefined;
    },
  });
  if (chosen !== 'undo') return true;
  announce(`The photos of ${person.name} were removed again.`);
  return false;
}
