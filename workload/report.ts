/**
 * A run as text for people: on standard error how far it is, a bar on a terminal and a line now and then
 * elsewhere; then its summary.
 */

import { SingleBar } from 'cli-progress';
import type { RunSummary, Tally } from './tally.ts';

/** The table at the end of a run, then the failures by reason. */
export function formatSummary(summary: RunSummary): string {
  const latency = summary.latencyMs;
  const rows: [string, string][] = [
    ['requests', String(summary.requests)],
    ['successful', String(summary.successful)],
    ['failed', String(summary.failed)],
    [
      'correct',
      summary.correct === null ? 'not judged (no --prediction_file)' : String(summary.correct),
    ],
    ['wrong', String(summary.wrong)],
    ...(summary.retries > 0 ? [['sent again', String(summary.retries)] as [string, string]] : []),
    ['duration', formatMs(summary.durationMs)],
    ['throughput', `${summary.throughput.toFixed(1)} answers/s`],
    ...Object.entries(latency ?? {}).map(([name, ms]): [string, string] => [
      `latency ${name}`,
      formatMs(ms),
    ]),
  ];
  return [formatRows(rows), ...formatFailures(summary)].join('\n');
}

/** Two columns in a frame of dashes, as wide as they need. */
function formatRows(rows: readonly (readonly [string, string])[]): string {
  const left = Math.max(...rows.map(([name]) => name.length));
  const right = Math.max(...rows.map(([, value]) => value.length));
  const line = `+${'-'.repeat(left + 2)}+${'-'.repeat(right + 2)}+`;
  const body = rows.map(([name, value]) => `| ${name.padEnd(left)} | ${value.padStart(right)} |`);
  return [line, ...body, line].join('\n');
}

/** `850 ms`, `12.34 s`. */
export function formatMs(ms: number): string {
  return ms < 1000 ? `${ms.toFixed(ms < 10 ? 1 : 0)} ms` : `${(ms / 1000).toFixed(2)} s`;
}

function formatFailures({ failures, unlisted }: RunSummary): string[] {
  if (failures.length === 0) return [];
  const lines = failures.map(({ kind, sentence, count, files }) => {
    const named = files.join(', ') + (count > files.length ? ', …' : '');
    return `  ${count} × ${kind}: ${sentence === '' ? '(no text)' : sentence} [${named}]`;
  });
  if (unlisted > 0) lines.push(`  ${unlisted} more with other reasons`);
  return ['Failures:', ...lines];
}

/** Between two lines where there is no terminal. */
const LINE_EVERY_MS = 5000;

export interface Progress {
  update(tally: Tally): void;
  stop(): void;
}

/** Shows how far a run is. */
export function showProgress(total: number, stream: NodeJS.WriteStream = process.stderr): Progress {
  return stream.isTTY ? bar(total, stream) : lines(total, stream);
}

function bar(total: number, stream: NodeJS.WriteStream): Progress {
  const single = new SingleBar({
    stream,
    format: '{bar} {value}/{total} | {duration_formatted} | {eta_formatted} left | {bad} bad',
    hideCursor: true,
    // The first answers wait for a fleet to boot: a long window keeps the time left steady.
    etaBuffer: 100,
  });
  single.start(total, 0, { bad: 0 });
  return {
    update: (tally) => single.update(tally.done, { bad: tally.bad }),
    stop: () => single.stop(),
  };
}

function lines(total: number, stream: NodeJS.WriteStream): Progress {
  let writtenAt = performance.now();
  return {
    update(tally) {
      const now = performance.now();
      if (now - writtenAt < LINE_EVERY_MS) return;
      writtenAt = now;
      const rate = tally.durationMs > 0 ? (tally.done * 1000) / tally.durationMs : 0;
      const left = rate > 0 ? Math.ceil((total - tally.done) / rate) : undefined;
      stream.write(
        `${tally.done}/${total} done, ${tally.bad} bad, ${left === undefined ? '?' : left} s left\n`,
      );
    },
    stop: () => undefined,
  };
}
