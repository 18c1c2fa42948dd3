/** A run's summary as text for people. Pure. */
import type { RunSummary } from './tally.ts';

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
export function formatRows(rows: readonly (readonly [string, string])[]): string {
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
