/** What came of a chaos run, in words. Pure. */
import type { ChaosReport } from './run.ts';

const MOST_BREACHES = 50;

export function reportText(report: ChaosReport): string {
  const { breaches, errors, cost } = report;
  const failed = Object.entries(errors).map(([status, count]) => `${count} with ${status}`);
  const faults = Object.values(report.faults).reduce((sum, count) => sum + count, 0);
  const lines = [
    `uploads           ${report.sent} sent, ${report.sentInBursts} more in bursts; ${report.accepted} accepted into the queue`,
    `  answered right  ${report.right}`,
    `  refused         ${report.refused} (no image, no face)`,
    `  clear errors    ${failed.join(', ') || 'none'}`,
    `  cut off         ${report.cut}, with a web node that died`,
    `dead letters      ${report.letters}`,
    `instance-seconds  ${cost.paid.toFixed(0)} paid, ${cost.needed.toFixed(0)} needed without faults`,
    `capacity          ${report.capacity.toFixed(1)} answers a second, p95 ${ms(report.recoveries.before)} without faults`,
    `faults            ${faults} in ${report.seconds.toFixed(0)} s, ${report.missed} more found nothing to hit; ${report.callsHit} calls were hit`,
    ...faultTable(report),
    'ended and started again',
    ...Object.entries(report.ends).map(([how, count]) => `  ${String(count).padStart(5)} ${how}`),
    breaches.length === 0 ? 'Every invariant held.' : `${breaches.length} BREACHES`,
    ...breaches.slice(0, MOST_BREACHES).map((breach) => `  ${breach}`),
    ...(report.folder === undefined ? [] : [`The logs are in ${report.folder}`]),
  ];
  return lines.join('\n');
}

/** Faults by kind, with how soon p95 was back after those that came alone; and after storms. */
function faultTable({ faults, recoveries }: ChaosReport): string[] {
  const byRow = Map.groupBy(recoveries.all, ({ row }) => row);
  const rows = Object.entries(faults).sort(([, a], [, b]) => b - a);
  const cells = [...rows, ['storm', byRow.get('storm')?.length ?? 0] as const].map(
    ([row, count]) => {
      const measured = (byRow.get(row) ?? []).map((recovery) => recovery.ms ?? Infinity);
      measured.sort((a, b) => a - b);
      const median = measured[Math.floor((measured.length - 1) / 2)];
      const words =
        median === undefined
          ? ['', '', '']
          : [String(measured.length), ms(median), ms(measured.at(-1))];
      return [String(count), row, ...words];
    },
  );
  return [['count', 'fault', 'alone', 'p95 back after', 'at most'], ...cells].map(
    ([count = '', row = '', alone = '', median = '', most = '']) =>
      `  ${count.padStart(5)} ${row.padEnd(24)} ${alone.padStart(5)} ${median.padStart(15)} ${most.padStart(9)}`.trimEnd(),
  );
}

function ms(time: number | undefined): string {
  if (time === undefined) return 'unknown';
  return time === Infinity ? 'never' : `${(time / 1000).toFixed(1)} s`;
}
