/** The scaling table: looks at the system again and again, one row a look. Judges nothing. */
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../runtime/errors.ts';
import type { Observation, Observe } from './observe.ts';

/** A look that failed is told and does not end the watch: clouds are asked again. */
export type Look = { readonly seen: Observation } | { readonly error: string };

/** Looks until `signal` is aborted, `intervalMs` between the end of one look and the next. */
export async function* watch(
  observe: Observe,
  intervalMs: number,
  signal: AbortSignal,
): AsyncGenerator<Look> {
  while (!signal.aborted) {
    yield await observe().then(
      (seen) => ({ seen }),
      (error: unknown) => ({ error: messageOf(error) }),
    );
    await sleep(intervalMs, undefined, { signal }).catch(() => undefined);
  }
}

const COLUMNS = [
  ['time', 8],
  ['requests visible', 16],
  ['in flight', 9],
  ['responses', 9],
  ['running', 7],
  ['pending', 7],
  ['in-bucket', 9],
  ['out-bucket', 10],
] as const;

/** The first two lines of the table. */
export const tableHead = [
  row(COLUMNS.map(([title]) => title)),
  COLUMNS.map(([, width]) => '-'.repeat(width)).join('-+-'),
].join('\n');

/** A dash stands for what does not exist. */
export function tableRow(look: Look): string {
  if ('error' in look) return look.error;
  const { at, requests, replies, app, inKeys, outKeys } = look.seen;
  return row([
    new Date(at).toTimeString().slice(0, 8),
    count(requests?.visible),
    count(requests?.inFlight),
    count(replies && replies.visible + replies.inFlight),
    count(app.running ?? 0),
    count(app.pending ?? 0),
    count(inKeys?.length),
    count(outKeys?.length),
  ]);
}

function count(number: number | undefined): string {
  return number === undefined ? '-' : String(number);
}

function row(cells: readonly string[]): string {
  return cells.map((cell, i) => cell.padStart(COLUMNS[i]![1])).join(' | ');
}
