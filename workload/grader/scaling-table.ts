/** The scaling table of `grader --watch`: its columns, and a row for each look at the system. */
import type { Look } from './flow.ts';

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
