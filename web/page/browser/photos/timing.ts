/** Shows the stages of an answer's time as a bar and in numbers. */
import { h } from '../dom.ts';
import { milliseconds } from '../words.ts';

/** In order of time; `queue` is the time outside the worker: the network, and the wait for an instance. */
const STAGES = [
  ['queue', 'network and queue'],
  ['fetch', 'fetch'],
  ['wait', 'wait in worker'],
  ['decode', 'decode'],
  ['detect', 'detect'],
  ['embed', 'embed'],
  ['match', 'match'],
  ['write', 'write'],
] as const;

/** @param wholeMs as the page saw it; undefined where it is the time of a group of photos */
export function timingOf(
  timings: Readonly<Record<string, number>> | undefined,
  wholeMs: number | undefined,
): HTMLElement {
  const known: Record<string, number> = {};
  for (const [stage] of STAGES) {
    const ms = timings?.[stage];
    if (ms !== undefined) known[stage] = Math.max(0, ms);
  }
  const inWorker = Object.values(known).reduce((sum, ms) => sum + ms, 0);
  if (wholeMs !== undefined) known.queue = Math.max(0, wholeMs - inWorker);
  const stages = STAGES.flatMap(([stage, words]) => {
    const ms = known[stage];
    // A free worker's wait is too short to show.
    return ms === undefined || (stage === 'wait' && ms < 1) ? [] : [{ stage, words, ms }];
  });
  return h(
    'div',
    { class: 'timing' },
    h('div', { class: 'timing-bar', 'aria-hidden': 'true' }, ...stages.map(segment)),
    h(
      'dl',
      { 'aria-label': 'Time of each stage' },
      ...stages.map(({ stage, words, ms }) =>
        h('div', { 'data-stage': stage }, h('dt', {}, words), h('dd', {}, milliseconds(ms))),
      ),
    ),
  );
}

function segment({ stage, ms }: { stage: string; ms: number }): HTMLElement {
  const part = h('span', { 'data-stage': stage });
  part.style.flexGrow = String(ms);
  return part;
}
