/** All photos of this visit, newest first: the first few open, the others a line each. */
import { PostError } from '../api.ts';
import { announce, byId } from '../dom.ts';
import { type Card, type CardState, newCard } from './card.ts';
import { showInView } from './preview.ts';
import { openProgress } from './progress.ts';
import { enqueue, takeBack, type Upload } from './uploads.ts';

/** Answered photos at the top of the list that are open without being asked for; on a phone, one fills the view. */
const MOST_OPEN = 3;
const phone = matchMedia('(max-width: 560px)');
/** With more photos on their way, only the end is announced. */
const MOST_ANNOUNCED = 5;
const UPDATE_MS = 50;
/** Cards made in one task, so that the page stays responsive while a thousand are added. */
const MOST_AT_ONCE = 100;

export interface Photos {
  /** Adds a card for each and sends them. Resolves when all are in the list. */
  add(files: readonly File[]): Promise<void>;
}

export function openPhotos(): Photos {
  const list = byId('cards', 'ol');
  list.tabIndex = 0; // It scrolls: by keyboard too.
  const empty = byId('empty', 'p');
  const inView = showInView(list);
  const progress = openProgress({ retry, stop, clear });
  /** Newest first. */
  let cards: Card[] = [];
  let open = new Set<Card>();
  /** The photos that the progress counts: since no photo was on its way. */
  const run = new Set<Card>();
  let onTheirWay = 0;
  let isDue = false;

  async function add(files: readonly File[]): Promise<void> {
    expect(files.length);
    list.scrollTop = 0;
    let last: Card | undefined;
    for (let at = 0; at < files.length; at += MOST_AT_ONCE) {
      if (at > 0) await new Promise((resolve) => setTimeout(resolve));
      const added = files.slice(at, at + MOST_AT_ONCE).map(newCard);
      insert(added, last);
      start(added);
      last = added.at(-1);
    }
  }

  /** After the card `last` of the same drop, else at the top. */
  function insert(added: readonly Card[], last: Card | undefined): void {
    const place = last === undefined ? 0 : cards.indexOf(last) + 1;
    const before = cards[place]?.element ?? null;
    cards = cards.toSpliced(place, 0, ...added);
    const batch = document.createDocumentFragment();
    for (const { element } of added) batch.append(element);
    list.insertBefore(batch, before);
    for (const { element, preview } of added) inView.watch(element, preview);
  }

  /** Counts photos that are about to be sent; the first of them begin a new run. */
  function expect(count: number): void {
    if (onTheirWay === 0) {
      run.clear();
      progress.begin();
    }
    onTheirWay += count;
  }

  function send(chosen: readonly Card[]): void {
    expect(chosen.length);
    start(chosen);
  }

  function start(chosen: readonly Card[]): void {
    for (const card of chosen) {
      run.add(card);
      card.wait();
    }
    enqueue(chosen.map(uploadOf));
    update();
  }

  function uploadOf(card: Card): Upload {
    return {
      file: card.file,
      onSent: card.send,
      onAnswer(answer, timing) {
        card.answer(answer, timing);
        settled(card);
      },
      onFailure(error) {
        card.fail(error, () => send([card]));
        settled(card);
      },
    };
  }

  function settled(card: Card): void {
    onTheirWay -= 1;
    if (run.size <= MOST_ANNOUNCED) {
      announce(`${card.file.name}: ${card.element.querySelector('h3')?.textContent ?? ''}`);
    }
    update();
  }

  function retry(): void {
    send(cards.filter((card) => card.canRetry));
  }

  function stop(): void {
    const error = new PostError('It was stopped before it was sent.', {
      title: 'Not sent',
      mayPass: true,
    });
    for (const upload of takeBack()) upload.onFailure(error);
  }

  function clear(): void {
    for (const { element } of cards) inView.forget(element);
    cards = [];
    open = new Set();
    run.clear();
    list.replaceChildren();
    update();
  }

  /** Soon, once for all that happens until then. */
  function update(): void {
    if (isDue) return;
    isDue = true;
    setTimeout(() => {
      isDue = false;
      fold();
      const count = (wanted: CardState): number =>
        [...run].filter(({ state }) => state === wanted).length;
      progress.show({
        onTheirWay,
        answered: count('answered'),
        failed: count('failed'),
        waiting: count('waiting'),
        retryable: cards.filter(({ canRetry }) => canRetry).length,
        listed: cards.length,
      });
      empty.hidden = cards.length > 0;
      list.hidden = cards.length === 0;
      const isOver = onTheirWay === 0 && run.size > MOST_ANNOUNCED;
      if (isOver) announce(progress.words());
    }, UPDATE_MS);
  }

  function fold(): void {
    const first = new Set(cards.slice(0, phone.matches ? 1 : MOST_OPEN));
    for (const card of open) if (!first.has(card) && !card.isChosen) card.setOpen(false);
    for (const card of first) if (!card.isChosen) card.setOpen(true);
    open = first;
  }
  return { add };
}
