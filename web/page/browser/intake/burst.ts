/** Sends a burst of many photos in few requests, and shows the outcome of each. */
import { type Outcome, POSTS_AT_ONCE, PostError, post } from '../api.ts';
import { announce, byId, h } from '../dom.ts';
import { shownName } from '../names.ts';
import { count, duration } from '../words.ts';
import { loadSample } from './samples.ts';

/** Names that the summary lists. */
const MOST_NAMES = 8;
/** Photos and bytes of one request, well within the server's limits. */
const MOST_TOGETHER = 10;
const MOST_BYTES = 8_000_000;
const form = byId('burst', 'form');
const send = byId('burst-send', 'button');
const note = byId('burst-note', 'p');
const progress = byId('burst-progress', 'div');

/** A photo of the burst and its square on the page. */
interface Loaded {
  readonly cell: HTMLElement;
  readonly file: File;
}

export interface Burst {
  /** Sets the photos of the choice "samples". */
  offerSamples(names: readonly string[]): void;
  /** Sets the photos of the choice "your photos". */
  offerChosen(files: readonly File[]): void;
}

export function openBurst(): Burst {
  let samples: readonly string[] = [];
  let chosen: readonly File[] = [];
  let running: AbortController | undefined;

  const offer = (value: 'samples' | 'chosen'): void => {
    const radio = form.querySelector<HTMLInputElement>(`input[value=${value}]`);
    if (radio === null) return;
    radio.disabled = false;
    if (form.querySelector('input[name=source]:checked') === null) radio.checked = true;
    send.disabled = false;
    note.textContent = 'Watch the fleet grow with the queue and shrink again.';
  };
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (running) return running.abort();
    const given = new FormData(form);
    const many = Number(given.get('count'));
    const photo =
      given.get('source') === 'chosen'
        ? async (n: number) => chosen[n % chosen.length] as File
        : (n: number) => loadSample(samples[n % samples.length] as string);
    running = new AbortController();
    send.textContent = 'Stop';
    void run(many, photo, running.signal).finally(() => {
      running = undefined;
      send.textContent = 'Send';
    });
  });
  return {
    offerSamples(names) {
      samples = shuffled(names);
      if (names.length > 0) offer('samples');
    },
    offerChosen(files) {
      chosen = files;
      if (files.length > 0) offer('chosen');
    },
  };
}

async function run(
  many: number,
  photo: (n: number) => Promise<File>,
  signal: AbortSignal,
): Promise<void> {
  const startedAt = performance.now();
  const names = new Map<string, number>();
  let answered = 0;
  let failed = 0;
  const bar = h('progress', { max: many, value: 0, 'aria-label': 'Answers of this burst' });
  const cells = Array.from({ length: many }, () => h('i'));
  const told = h('p', { class: 'told' });
  const tally = h('p', { class: 'tally' });
  progress.replaceChildren(
    h('div', { class: 'cells', 'aria-hidden': 'true' }, ...cells),
    bar,
    told,
    tally,
  );
  progress.hidden = false;
  note.hidden = true;

  const tell = (ended: boolean): void => {
    const seconds = (performance.now() - startedAt) / 1000;
    bar.value = answered + failed;
    const rate = ended && answered > 0 ? `, ${(answered / seconds).toFixed(1)} photos/s` : '';
    const stopped = ended && answered + failed < many ? ', stopped' : '';
    const failures = failed > 0 ? `, ${failed} failed` : '';
    told.textContent = `${answered} of ${many} answered${failures} in ${duration(seconds)}${rate}${stopped}`;
    const common = [...names].sort(([, a], [, b]) => b - a);
    const others = common.length - MOST_NAMES;
    const parts = common
      .slice(0, MOST_NAMES)
      .map(([name, times]) => h('span', {}, name, h('b', {}, String(times))));
    if (others > 0) parts.push(h('span', {}, `and ${count(others, 'other', 'others')}`));
    tally.replaceChildren(...parts);
  };
  tell(false);
  const clock = setInterval(() => tell(false), 500);
  const settle = (cell: HTMLElement, file: File, outcome: Outcome | Error): void => {
    const isFailure = outcome instanceof Error;
    cell.dataset.state = isFailure ? 'failed' : 'answered';
    if (isFailure) {
      failed += 1;
      cell.title = `${file.name}: ${outcome.message}`;
      return;
    }
    const [face] = outcome.faces;
    const name = face === undefined ? 'No face' : shownName(face);
    answered += 1;
    cell.title = `${file.name}: ${name}`;
    names.set(name, (names.get(name) ?? 0) + 1);
  };
  const together = async (group: readonly Loaded[]): Promise<void> => {
    for (const { cell } of group) cell.dataset.state = 'sent';
    try {
      const files = group.map(({ file }) => file);
      const outcomes = await post(() => files, { faces: 'largest', signal });
      for (const [at, { cell, file }] of group.entries()) {
        settle(cell, file, outcomes[at] ?? new PostError('Not answered.', { mayPass: true }));
      }
    } catch (error) {
      for (const { cell, file } of group) {
        if (signal.aborted) delete cell.dataset.state;
        else settle(cell, file, error instanceof Error ? error : new Error(String(error)));
      }
    }
  };
  // Each lane loads its next few photos only when it can send them.
  const most = Math.min(MOST_TOGETHER, Math.ceil(many / POSTS_AT_ONCE));
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < many && !signal.aborted) {
      const group: Loaded[] = [];
      let bytes = 0;
      while (next < many && group.length < most && bytes < MOST_BYTES) {
        const cell = cells[next] as HTMLElement;
        const file = await photo(next++).catch((error: unknown) => {
          settle(cell, new File([], 'a sample'), new Error(String(error)));
        });
        if (file === undefined) continue;
        group.push({ cell, file });
        bytes += file.size;
      }
      if (group.length > 0) await together(group);
    }
  };
  await Promise.all(Array.from({ length: POSTS_AT_ONCE }, lane));
  clearInterval(clock);
  tell(true);
  announce(told.textContent ?? '');
}

function shuffled<T>(list: readonly T[]): readonly T[] {
  return list
    .map((item) => ({ item, place: Math.random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ item }) => item);
}
