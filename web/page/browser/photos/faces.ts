/** The faces of a photo as a list: who each is, and the nearest people with a bar that grows with nearness. */
import type { Answer, Face } from '../api.ts';
import { h } from '../dom.ts';
import { shownName } from '../names.ts';
import { type Corrected, correctionOf } from '../people/correct.ts';
import { oddsInWords } from '../words.ts';

/** At this distance the bar is empty: strangers are about this far apart. */
const FAR = 1.4;

export interface FacesParts {
  /** Called with the face that is pointed at, focused or pinned; undefined for none. */
  mark(index: number | undefined): void;
  /** Called when a reader has said who a face is. */
  correct(index: number, corrected: Corrected): void;
}

export function facesOf(answer: Answer, { mark, correct }: FacesParts): HTMLElement[] {
  const { faces } = answer;
  const below = (face: Face, index: number): HTMLElement[] => {
    const { id, file } = answer;
    if (id === undefined || file === undefined) return sureness(face);
    const words = faces.length === 1 ? shownName(face) : `face ${index + 1}, ${shownName(face)}`;
    const onCorrected = (corrected: Corrected): void => correct(index, corrected);
    return [...sureness(face), correctionOf({ id, file }, face, words, onCorrected)];
  };
  const [only] = faces;
  if (faces.length === 1 && only) return [caption(only), nearestOf(only), ...below(only, 0)];
  let pinned: number | undefined;
  const buttons: HTMLElement[] = [];
  const pin = (index: number): void => {
    pinned = pinned === index ? undefined : index;
    buttons.forEach((button, at) => {
      button.setAttribute('aria-pressed', String(at === pinned));
    });
    mark(pinned);
  };
  const items = faces.map((face, index) => {
    const name = h(
      'button',
      { type: 'button', class: 'face-name', 'aria-pressed': 'false' },
      h('b', {}, String(index + 1)),
      h('span', { 'data-unknown': face.known === false }, shownName(face)),
    );
    buttons.push(name);
    name.addEventListener('click', () => pin(index));
    const item = h(
      'li',
      { class: 'face' },
      h('h4', {}, name),
      nearestOf(face),
      ...below(face, index),
    );
    for (const type of ['pointerenter', 'focusin']) {
      item.addEventListener(type, () => mark(index));
    }
    for (const type of ['pointerleave', 'focusout']) {
      item.addEventListener(type, () => mark(pinned));
    }
    return item;
  });
  return [
    caption(undefined),
    h('ol', { class: 'faces', 'aria-label': 'Faces, largest first' }, ...items),
  ];
}

/** How sure the answer is, and what makes the face hard to recognise. */
function sureness({ odds, quality }: Face): HTMLElement[] {
  const words = [...(odds === undefined ? [] : [oddsInWords(odds)]), ...(quality?.reasons ?? [])];
  return words.length === 0 ? [] : [h('p', { class: 'sureness' }, words.join(' '))];
}

function caption(face: Face | undefined): HTMLElement {
  const words = face?.known === false ? 'Nobody is near enough. Nearest people' : 'Nearest people';
  return h('p', { class: 'caption' }, h('span', {}, words), h('span', {}, 'distance'));
}

function nearestOf({ nearest, known }: Face): HTMLElement {
  return h(
    'ol',
    {
      class: 'nearest',
      'data-unknown': known === false,
      'aria-label': 'Nearest people and their distance: a smaller distance means more alike',
    },
    ...nearest.map(personOf),
  );
}

function personOf({ name, distance }: Face['nearest'][number]): HTMLElement {
  const bar = h('i');
  bar.style.width = `${Math.max(0, 1 - distance / FAR) * 100}%`;
  return h(
    'li',
    {},
    h('span', { title: name }, name),
    h('span', { class: 'nearness', 'aria-hidden': 'true' }, bar),
    h('span', { class: 'number', title: 'distance' }, distance.toFixed(3)),
  );
}
