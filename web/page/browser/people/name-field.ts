/** A field for the name of a person, with the names of the gallery as suggestions. */
import { h } from '../dom.ts';
import { listPeople } from './gallery-api.ts';

const MOST = 12;
const PAUSE_MS = 150;
let lastId = 0;

export interface NameField {
  readonly element: HTMLElement;
  readonly input: HTMLInputElement;
}

/** @param without a name that is not suggested */
export function nameField(words: string, without?: string): NameField {
  lastId += 1;
  const listId = `names-${lastId}`;
  const list = h('datalist', { id: listId });
  const input = h('input', {
    type: 'text',
    required: true,
    maxlength: 200,
    autocomplete: 'off',
    list: listId,
  });
  let timer: ReturnType<typeof setTimeout> | undefined;
  let asked = 0;
  const suggest = async (): Promise<void> => {
    asked += 1;
    const mine = asked;
    // Without suggestions the name can still be typed.
    const page = await listPeople({ q: input.value.trim() }, MOST).catch(() => undefined);
    if (page === undefined || mine !== asked) return;
    const names = page.people.map(({ name }) => name).filter((name) => name !== without);
    list.replaceChildren(...names.map((name) => h('option', { value: name })));
  };
  const soon = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => void suggest(), PAUSE_MS);
  };
  input.addEventListener('input', soon);
  input.addEventListener('focus', soon);
  return { element: h('div', { class: 'field' }, h('label', {}, words, input), list), input };
}
