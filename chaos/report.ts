/** What came of a chaos run, in words. Pure. */
import type { ChaosReport } from './run.ts';

const MOST_BREACHES = 50;

export function reportText(report: ChaosReport): string {
  const { breaches, errors } = report;
  const failed = Object.entries(errors).map(([status, count]) => `${count} with ${status}`);
  const lines = [
    `uploads           ${report.sent} sent, ${report.accepted} accepted into the queue`,
    `  answered right  ${report.right}`,
    `  refused         ${report.refused} (no image, no face)`,
    `  clear errors    ${failed.join(', ') || 'none'}`,
    `  cut off         ${report.cut}, with a web tier that died`,
    `dead letters      ${report.letters}`,
    `faults            ${report.faultCount} in ${report.seconds.toFixed(0)} s, ${report.missed} more found nothing to hit; ${report.callsHit} calls were hit`,
    ...Object.entries(report.faults)
      .sort(([, a], [, b]) => b - a)
      .map(([kind, count]) => `  ${String(count).padStart(5)} ${kind}`),
    'ended and started again',
    ...Object.entries(report.ends).map(([how, count]) => `  ${String(count).padStart(5)} ${how}`),
    breaches.length === 0 ? 'Every invariant held.' : `${breaches.length} BREACHES`,
    ...breaches.slice(0, MOST_BREACHES).map((breach) => `  ${breach}`),
    ...(report.folder === undefined ? [] : [`The logs are in ${report.folder}`]),
  ];
  return lines.join('\n');
}
