/** The card of one person: what is known, a menu of what can be done, and merging by dragging. */
import { h } from '../dom.ts';
import { count, dayInWords } from '../words.ts';
import type { ListedPerson } from './gallery-api.ts';
import { metadataInWords } from './metadata.ts';

export interface PersonAction {
  readonly words: string;
  readonly run: (person: ListedPerson) => void;
}

/** Dragged cards are told from files and texts by this type. */
const DRAGGED = 'application/x-person';

/** @param onDrop called with the person whose card was dropped on this one */
export function personCard(
  person: ListedPerson,
  actions: readonly PersonAction[],
  onDrop: (id: string) => void,
): HTMLLIElement {
  const { id, name, faces, metadata, expires } = person;
  const data = metadata === undefined ? '' : metadataInWords(metadata);
  const card = h(
    'li',
    { class: 'person', draggable: 'true', 'data-person': id },
    h('span', { class: 'initials', 'aria-hidden': 'true' }, initialsOf(name)),
    h(
      'div',
      { class: 'known' },
      h('h3', { title: name }, name),
      h('p', {}, count(faces, 'face')),
      data !== '' && h('p', { class: 'data', title: data }, data),
      expires !== undefined && h('p', {}, `forgotten after ${dayInWords(expires)}`),
    ),
    menuOf(person, actions),
  );
  card.addEventListener('dragstart', ({ dataTransfer }) => {
    dataTransfer?.setData(DRAGGED, id);
    card.classList.add('dragged');
  });
  card.addEventListener('dragend', () => card.classList.remove('dragged'));
  for (const type of ['dragenter', 'dragover'] as const) {
    card.addEventListener(type, (event) => {
      const isOther = !card.classList.contains('dragged');
      if (!event.dataTransfer?.types.includes(DRAGGED) || !isOther) return;
      event.preventDefault();
      card.classList.add('target');
    });
  }
  card.addEventListener('dragleave', (event) => {
    if (!card.contains(event.relatedTarget as Node | null)) card.classList.remove('target');
  });
  card.addEventListener('drop', (event) => {
    card.classList.remove('target');
    const dropped = event.dataTransfer?.getData(DRAGGED);
    if (!dropped || dropped === id) return;
    event.preventDefault();
    onDrop(dropped);
  });
  return card;
}

function initialsOf(name: string): string {
  const words = name.split(/[\s_-]+/).filter(Boolean);
  return [words[0], words.length > 1 ? words.at(-1) : undefined]
    .map((word) => [...(word ?? '')][0] ?? '')
    .join('')
    .toUpperCase();
}

/** A menu button (ARIA): arrows move, Escape closes, and leaving it closes it. */
function menuOf(person: ListedPerson, actions: readonly PersonAction[]): HTMLElement {
  const button = h(
    'button',
    {
      type: 'button',
      class: 'more',
      'aria-haspopup': 'menu',
      'aria-expanded': 'false',
      'aria-label': `Actions for ${person.name}`,
    },
    '⋯',
  );
  const items = actions.map(({ words, run }) => {
    const item = h('button', { type: 'button', role: 'menuitem', tabindex: '-1' }, words);
    item.addEventListener('click', () => {
      close();
      button.focus(); // Where a dialog returns the focus when it closes.
      run(person);
    });
    return item;
  });
  const menu = h(
    'div',
    { role: 'menu', class: 'menu', 'aria-label': `Actions for ${person.name}`, hidden: true },
    ...items,
  );
  const holder = h('div', { class: 'actions' }, button, menu);
  const close = (): void => {
    menu.hidden = true;
    button.setAttribute('aria-expanded', 'false');
  };
  const open = (at = 0): void => {
    menu.hidden = false;
    button.setAttribute('aria-expanded', 'true');
    items.at(at)?.focus();
  };
  button.addEventListener('click', () => (menu.hidden ? open() : close()));
  button.addEventListener('keydown', (event) => {
    if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
    event.preventDefault();
    open(event.key === 'ArrowDown' ? 0 : -1);
  });
  menu.addEventListener('keydown', (event) => {
    const at = items.indexOf(document.activeElement as HTMLButtonElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
    if (to !== undefined) {
      event.preventDefault();
      items.at(to % items.length)?.focus();
    } else if (event.key === 'Escape') {
      close();
      button.focus();
    }
  });
  holder.addEventListener('focusout', ({ relatedTarget }) => {
    if (!holder.contains(relatedTarget as Node | null)) close();
  });
  return holder;
}
