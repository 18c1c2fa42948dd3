/** Questions in a dialog: the browser keeps the focus inside, and returns it where it was. */
import { h } from '../dom.ts';

export interface Choice {
  readonly value: string;
  readonly words: string;
  /** The first thing to press; `danger` for what cannot be undone. */
  readonly look?: 'main' | 'danger';
}

export interface Question {
  /** A text that may change while the dialog is open, or not. */
  readonly title: string | Text;
  readonly content: readonly (Node | string)[];
  readonly choices: readonly Choice[];
  /** Runs the choice; the dialog stays open with these words if it throws, or if it returns any. */
  readonly act?: (choice: string) => Promise<string | undefined>;
}

let lastId = 0;

/** @returns what was chosen; undefined if the dialog was closed with Escape */
export function ask({ title, content, choices, act }: Question): Promise<string | undefined> {
  lastId += 1;
  const titleId = `dialog-title-${lastId}`;
  const trouble = h('p', { class: 'trouble', role: 'alert', hidden: true });
  const buttons = choices.map(({ value, words, look }, at) =>
    h('button', { type: at === 0 ? 'submit' : 'button', class: look, value }, words),
  );
  const form = h(
    'form',
    {},
    h('h2', { id: titleId }, title),
    ...content,
    trouble,
    h('div', { class: 'buttons' }, ...buttons),
  );
  const dialog = h('dialog', { class: 'question', 'aria-labelledby': titleId }, form);
  const done = Promise.withResolvers<string | undefined>();
  let chosen: string | undefined;

  const choose = async (value: string): Promise<void> => {
    for (const button of buttons) button.disabled = true;
    trouble.hidden = true;
    const acted = value === CANCEL.value ? undefined : act?.(value);
    const wrong = await acted?.catch((error: unknown) =>
      error instanceof Error ? error.message : String(error),
    );
    for (const button of buttons) button.disabled = false;
    if (wrong === undefined) {
      chosen = value;
      dialog.close();
      return;
    }
    trouble.textContent = wrong;
    trouble.hidden = false;
    if (document.activeElement === document.body) buttons[0]?.focus();
  };
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void choose(choices[0]?.value ?? '');
  });
  for (const button of buttons.slice(1)) {
    button.addEventListener('click', () => void choose(button.value));
  }
  dialog.addEventListener('close', () => {
    dialog.remove();
    done.resolve(chosen);
  });
  document.body.append(dialog);
  dialog.showModal();
  return done.promise;
}

export const CANCEL: Choice = { value: '', words: 'Cancel' };
