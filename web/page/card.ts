/** The card of one photo: on its way, answered, or refused. */
import { type Answer, PostError, post } from './api.ts';
import { announce, byId, h } from './dom.ts';
import { nameOf } from './instance-names.ts';
import { overlayOf } from './overlay.ts';
import { timingOf } from './timing.ts';
import { milliseconds, shortName } from './words.ts';

/** Older ones go: each holds its photo in memory. */
const MOST_CARDS = 60;
/** A bar of this distance is full: strangers are about so far apart. */
const FAR = 1.4;
const cards = byId('cards', 'ol');

export function addCard(file: File): void {
  byId('empty', 'p').hidden = true;
  const image = h('img', { alt: `The photo ${file.name}` });
  const frame = h('div', { class: 'photo' }, image);
  const body = h('div', { class: 'body', 'aria-busy': 'true' });
  const card = h('li', { class: 'card' }, frame, body);
  image.addEventListener('error', () => {
    URL.revokeObjectURL(image.src);
    frame.replaceChildren(h('p', {}, 'no picture'));
  });
  image.src = URL.createObjectURL(file);
  cards.prepend(card);
  while (cards.childElementCount > MOST_CARDS) remove(cards.lastElementChild as HTMLElement);
  void ask(file, { card, frame, body });
}

function remove(card: HTMLElement): void {
  const url = card.querySelector('img')?.src;
  if (url) URL.revokeObjectURL(url);
  card.remove();
}

interface Parts {
  readonly card: HTMLElement;
  readonly frame: HTMLElement;
  readonly body: HTMLElement;
}

async function ask(file: File, { card, frame, body }: Parts): Promise<void> {
  const say = (words: string): void => {
    body.replaceChildren(fileLine(file), h('p', { class: 'pending' }, words));
  };
  card.dataset.state = 'pending';
  body.setAttribute('aria-busy', 'true');
  say('waits for its turn');
  try {
    let sentAt = performance.now();
    const answer = await post(file, () => {
      sentAt = performance.now();
      say('sent: waits for its answer');
    });
    const ms = performance.now() - sentAt;
    card.dataset.state = 'answered';
    frame.append(overlayOf(answer));
    body.replaceChildren(...answered(file, answer, ms));
    announce(`${file.name}: ${answer.name}`);
  } catch (error) {
    card.dataset.state = 'refused';
    const words = error instanceof Error ? error.message : String(error);
    body.replaceChildren(
      h('p', { class: 'refused' }, h('strong', {}, 'No answer'), ` ${words}`),
      fileLine(file),
    );
    if (error instanceof PostError && error.mayPass) {
      const again = h('button', { type: 'button' }, 'Send it again');
      again.addEventListener('click', () => void ask(file, { card, frame, body }));
      body.append(again);
    }
    announce(`${file.name}: ${words}`);
  }
  body.removeAttribute('aria-busy');
}

function fileLine({ name }: File, ...more: (string | false)[]): HTMLElement {
  const words = [shortName(name), ...more].filter((part) => part !== false);
  return h('p', { class: 'file', title: name }, words.join(' · '));
}

function answered(file: File, answer: Answer, ms: number): HTMLElement[] {
  const { name, nearest, timings, instance, width, height } = answer;
  return [
    h('div', { class: 'who' }, h('h3', {}, name), h('span', {}, milliseconds(ms))),
    ...(answer.known === false
      ? [h('p', { class: 'doubt' }, 'Nobody known is near: this is only the nearest.')]
      : []),
    h('p', { class: 'caption' }, h('span', {}, 'nearest people'), h('span', {}, 'distance')),
    h(
      'ol',
      {
        class: 'nearest',
        'aria-label': 'The nearest people with their distance: a shorter distance is more alike',
      },
      ...nearest.map(personOf),
    ),
    timingOf(timings, ms),
    fileLine(file, `${width} × ${height}`, instance !== undefined && `by ${nameOf(instance)}`),
  ];
}

function personOf({ name, distance }: Answer['nearest'][number]): HTMLElement {
  const bar = h('i');
  bar.style.width = `${Math.min(1, distance / FAR) * 100}%`;
  return h(
    'li',
    {},
    h('span', {}, name),
    h('span', { class: 'distance', 'aria-hidden': 'true' }, bar),
    h('span', { class: 'number', title: 'distance' }, distance.toFixed(3)),
  );
}
