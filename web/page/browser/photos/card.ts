/** The card of one photo: a line in the list, or open with its faces. */
import { type Answer, nameToSend, type PostError } from '../api.ts';
import { h } from '../dom.ts';
import { instanceName, titleOf } from '../names.ts';
import { count, milliseconds, shortName } from '../words.ts';
import { type FacesParts, facesOf } from './faces.ts';
import { overlayOf } from './overlay.ts';
import { newPreview, type Preview } from './preview.ts';
import { timingOf } from './timing.ts';
import type { Timing } from './uploads.ts';

export type CardState = 'waiting' | 'sent' | 'answered' | 'failed';

export interface Card {
  readonly element: HTMLLIElement;
  readonly file: File;
  readonly preview: Preview;
  readonly state: CardState;
  /** Whether a person opened or folded it, so that it stays as it is. */
  readonly isChosen: boolean;
  /** Whether it failed in a way that another try may mend. */
  readonly canRetry: boolean;
  setOpen(isOpen: boolean): void;
  wait(): void;
  send(): void;
  answer(answer: Answer, timing: Timing): void;
  /** @param retry called by the button, which is there only where another try may help */
  fail(error: PostError, retry: () => void): void;
}

let lastId = 0;

export function newCard(file: File): Card {
  lastId += 1;
  const detailsId = `details-${lastId}`;
  const view = h('div', { class: 'view' });
  const picture = h('div', { class: 'picture' }, view);
  const head = h('div', { class: 'head' });
  const element = h('li', { class: 'card' }, picture, head);
  const preview = newPreview(file, () => {
    view.replaceChildren(h('p', {}, 'No preview'));
  });
  view.append(preview.image);
  let state: CardState = 'waiting';
  let isOpen = false;
  let isChosen = false;
  let canRetry = false;
  /** Builds what an open card shows; undefined while there is no answer. */
  let unfold: (() => { details: HTMLElement; over: readonly Element[] }) | undefined;
  let shown: readonly Element[] = [];

  const toggle = h('button', { type: 'button', class: 'toggle', 'aria-expanded': 'false' });
  toggle.addEventListener('click', () => {
    isChosen = true;
    card.setOpen(!isOpen);
  });
  const setState = (next: CardState, mayRetry = false): void => {
    state = next;
    canRetry = mayRetry;
    element.dataset.state = next;
  };
  const close = (): void => {
    for (const part of shown) part.remove();
    shown = [];
    delete element.dataset.open;
    toggle.setAttribute('aria-expanded', 'false');
    toggle.removeAttribute('aria-controls');
  };
  const pending = (words: string): void => {
    unfold = undefined;
    close();
    head.replaceChildren(
      h('h3', {}, shortName(file.name)),
      h('p', { class: 'pending', title: file.name }, words),
    );
  };
  const card: Card = {
    element,
    file,
    preview,
    get state() {
      return state;
    },
    get isChosen() {
      return isChosen;
    },
    get canRetry() {
      return canRetry;
    },
    setOpen(open) {
      isOpen = open;
      if (unfold === undefined || open === shown.length > 0) return;
      if (!open) return close();
      const { details, over } = unfold();
      details.id = detailsId;
      element.dataset.open = '';
      toggle.setAttribute('aria-expanded', 'true');
      toggle.setAttribute('aria-controls', detailsId);
      view.append(...over);
      element.append(details);
      shown = [details, ...over];
    },
    wait() {
      setState('waiting');
      pending('waiting to be sent');
    },
    send() {
      setState('sent');
      pending('sent, waiting for the answer');
    },
    answer(answer, timing) {
      close();
      setState('answered');
      const { faces, width, height } = answer;
      element.dataset.faces = faces.length > 1 ? 'several' : 'one';
      element.style.setProperty('--ratio', String(width / height));
      unfold = () => opened(answer, timing, correct);
      const correct: FacesParts['correct'] = (index, corrected) => {
        const amended = faces.map((face, at) => (at === index ? { ...face, ...corrected } : face));
        card.answer({ ...answer, faces: amended }, timing);
        element.querySelectorAll<HTMLElement>('.correct summary')[index]?.focus();
      };
      toggle.replaceChildren(titleOf(faces));
      head.replaceChildren(h('h3', {}, toggle), timeOf(timing), fileLine(file, answer));
      card.setOpen(isOpen);
    },
    fail(error, retry) {
      setState('failed', error.mayPass);
      unfold = undefined;
      close();
      head.replaceChildren(
        h('h3', {}, error.title),
        h('p', { class: 'problem' }, error.message),
        fileLine(file, undefined),
      );
      if (!canRetry) return;
      const again = h('button', { type: 'button', class: 'retry' }, 'Retry');
      again.setAttribute('aria-label', `Retry ${file.name}`);
      again.addEventListener('click', retry);
      head.append(again);
    },
  };
  card.wait();
  return card;
}

function opened(answer: Answer, { ms, together }: Timing, correct: FacesParts['correct']) {
  const overlay = overlayOf(answer);
  const details = h(
    'div',
    { class: 'details' },
    ...(answer.turned ? [turnedNote(answer.turned)] : []),
    ...facesOf(answer, { mark: overlay.mark, correct }),
    timingOf(answer.timings, together === 1 ? ms : undefined),
  );
  return { details, over: overlay.elements };
}

function turnedNote(degrees: number): HTMLElement {
  const words = `The photo is not upright: it was turned by ${degrees}° clockwise to find its faces.`;
  return h('p', { class: 'note' }, words);
}

function timeOf({ ms, together }: Timing): HTMLElement {
  const title = 'From sending the photo to its answer; photos of one request are answered together';
  const group = together === 1 ? '' : ` for ${count(together, 'photo')}`;
  return h('span', { class: 'ms', title }, `${milliseconds(ms)}${group}`);
}

function fileLine({ name }: File, answer: Answer | undefined): HTMLElement {
  const sent = nameToSend(name);
  const parts = [
    shortName(name),
    sent !== name && `sent as ${shortName(sent)}`,
    answer && `${answer.width} × ${answer.height}`,
    answer?.instance !== undefined && `by ${instanceName(answer.instance)}`,
  ];
  return h('p', { class: 'file', title: name }, parts.filter(Boolean).join(' · '));
}
