/** A burst: many photos one after the other, as fast as the browser lets them go, and how they fared. */
import { POSTS_AT_ONCE, post } from './api.ts';
import { announce, byId, h } from './dom.ts';
import { loadSample } from './samples.ts';
import { count, duration } from './words.ts';

const MOST_NAMES = 8;
/** As many as are posted at once: see api.ts. */
const LANES = POSTS_AT_ONCE;
const form = byId('burst', 'form');
const send = byId('burst-send', 'button');
const note = byId('burst-note', 'p');
const progress = byId('burst-progress', 'div');

export interface Burst {
  /** What "samples" may be. */
  offerSamples(names: readonly string[]): void;
  /** What "your photos" are from now on. */
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
    note.textContent = 'Watch the fleet grow with the queue and go back to zero.';
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
    const refused = failed > 0 ? `, ${failed} refused` : '';
    told.textContent = `${answered} of ${many} answered${refused} in ${duration(seconds)}${rate}${stopped}`;
    const common = [...names].sort(([, a], [, b]) => b - a);
    const rest = common.length - MOST_NAMES;
    const parts = common
      .slice(0, MOST_NAMES)
      .map(([name, times]) => h('span', {}, name, h('b', {}, String(times))));
    if (rest > 0) parts.push(h('span', {}, `and ${count(rest, 'other', 'others')}`));
    tally.replaceChildren(...parts);
  };
  tell(false);
  const clock = setInterval(() => tell(false), 500);
  const one = async (n: number): Promise<void> => {
    const cell = cells[n] as HTMLElement;
    try {
      const file = await photo(n);
      const onSend = (): void => {
        cell.dataset.state = 'sent';
      };
      const { name } = await post(file, onSend, signal);
      cell.dataset.state = 'answered';
      cell.title = `${file.name}: ${name}`;
      answered += 1;
      names.set(name, (names.get(name) ?? 0) + 1);
    } catch (error) {
      if (signal.aborted) return void delete cell.dataset.state;
      cell.dataset.state = 'refused';
      cell.title = error instanceof Error ? error.message : String(error);
      failed += 1;
    }
  };
  // Each lane takes the next one: photos are loaded when their turn comes, not a hundred at once.
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < many && !signal.aborted) await one(next++);
  };
  await Promise.all(Array.from({ length: LANES }, lane));
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
