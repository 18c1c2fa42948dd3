/** The report in Markdown: what was asked and what was measured, then every workload. Pure. */
import type { Result } from './compare.ts';
import { type Family, families } from './contenders/contenders.ts';
import {
  againstCourse,
  againstOracle,
  againstPeers,
  byWorkload,
  cheapestAsFast,
  frontier,
  ofFamily,
  overall,
} from './figures.ts';
import { workloads } from './workloads.ts';

const PEERS = ['KEDA', 'target tracking'] as const satisfies readonly Family[];

/** @param dollarsPerHour the price of one instance */
export function report(results: readonly Result[], dollarsPerHour: number): string {
  return [
    '### Asked and measured\n',
    asked(results),
    '### Against the course’s rule, at equal or better p95\n',
    courseTable(results),
    '### Points of the peers’ frontiers that `drain-time` does not reach\n',
    unbeatenTable(results),
    '### Against the oracle at the same p95\n',
    oracleTable(results),
    '### Bursts: against the oracle, and against what is possible without foresight\n',
    burstTable(results),
    `### Every workload, at ${dollarsPerHour} dollars an instance-hour\n`,
    ...byWorkload(results).map(([name, here]) => workloadTable(name, here, dollarsPerHour)),
  ].join('\n');
}

function asked(results: readonly Result[]): string {
  const course = againstCourse(results);
  const { sum, mean } = overall(course);
  const missing = course.filter(({ ratio }) => ratio === undefined).map(({ workload }) => workload);
  const rows = [
    [
      '`drain-time` against the course’s rule, over all workloads, at equal or better p95',
      'at most 0.5 of its instance-hours',
      `${ratio(sum)} of the sum, ${ratio(mean)} in the mean of the ratios${missing.length ? `; not as fast on ${missing.join(', ')}` : ''}`,
    ],
    ...PEERS.map((peer) => {
      const against = againstPeers(results, [peer]);
      const points = against.reduce((count, one) => count + one.points, 0);
      const left = against.reduce((count, one) => count + one.unbeaten.length, 0);
      const where = against.filter((one) => one.unbeaten.length > 0).map((one) => one.workload);
      return [
        `\`drain-time\` against ${peer}, best settings each`,
        'on or beyond its frontier on every workload',
        `${points - left} of ${points} points of it${where.length ? `; not all on ${where.join(', ')}` : ''}`,
      ];
    }),
    [
      '`drain-time` against the oracle at the same p95',
      'at most 1.3 of its cost',
      oracleSummary(results),
    ],
  ];
  return table(['figure', 'asked', 'measured'], rows);
}

/** The share of the oracle's cost that was asked for. */
const ORACLE_SHARE = 1.3;

function oracleSummary(results: readonly Result[]): string {
  const groups = [...Map.groupBy(againstOracle(results), ({ workload }) => workload)];
  const met = groups.filter(([, rows]) => rows.every((row) => row.ratio <= ORACLE_SHARE));
  const partly = groups.filter(([, rows]) => rows.some((row) => row.ratio <= ORACLE_SHARE));
  return `on ${met.length} of ${groups.length} workloads at every p95 of its frontier, on ${partly.length} at some; see below`;
}

function courseTable(results: readonly Result[]): string {
  const rows = againstCourse(results).map(({ workload, course, ours, ratio: share }) => [
    workload,
    seconds(course.p95),
    hours(course.cost),
    ours ? seconds(ours.p95) : '',
    ours ? hours(ours.cost) : 'none is as fast',
    ours ? ours.settings : '',
    share === undefined ? '' : ratio(share),
  ]);
  return table(
    ['workload', 'course p95', 'hours', '`drain-time` p95', 'hours', 'its settings', 'of the cost'],
    rows,
  );
}

function unbeatenTable(results: readonly Result[]): string {
  const rows = againstPeers(results, [...PEERS, 'step scaling']).flatMap(
    ({ workload, peer, points, unbeaten }) =>
      unbeaten.length === 0
        ? []
        : [
            [
              workload,
              peer,
              `${unbeaten.length} of ${points}`,
              unbeaten
                .map(
                  ({ result, ours }) =>
                    `${seconds(result.p95)}: ${hours(result.cost)} (${ours ? hours(ours.cost) : 'none'})`,
                )
                .join('; '),
            ],
          ],
  );
  if (rows.length === 0) return 'None.\n';
  return table(['workload', 'peer', 'points', 'its p95: its instance-hours (ours as fast)'], rows);
}

/** From which p95 on it holds, and how things stand with the default settings. */
function oracleTable(results: readonly Result[]): string {
  const groups = [...Map.groupBy(againstOracle(results), ({ workload }) => workload)];
  const rows = groups.map(([workload, group]) => {
    const last = group.findLast((one) => one.ratio > ORACLE_SHARE);
    const from = group[last === undefined ? 0 : group.indexOf(last) + 1];
    const usual = results.find(
      (one) => one.workload === workload && one.family === 'drain-time' && one.isDefault,
    );
    const others = results.filter((one) => one.workload === workload);
    const oracle = usual && cheapestAsFast(others, usual.p95);
    return [
      workload,
      from ? `${seconds(from.ours.p95)} on` : 'nowhere',
      last ? `${ratio(last.ratio)} at ${seconds(last.ours.p95)}` : '',
      ...(usual && oracle
        ? [
            seconds(usual.p95),
            hours(usual.cost),
            `${ratio(usual.cost / oracle.cost)} (${oracle.family})`,
            usual.bound ? ratio(usual.cost / usual.bound) : '',
          ]
        : ['', '', '', '']),
    ];
  });
  return table(
    [
      'workload',
      'within 1.3 from p95',
      'last not',
      'default: p95',
      'hours',
      'over the cheapest (whose)',
      'over the bound',
    ],
    rows,
  );
}

/** Every point of the frontier on a burst. Only an oracle can boot before a burst comes. */
function burstTable(results: readonly Result[]): string {
  const rows = againstOracle(results).flatMap(({ workload, ours, ratio: over }) => {
    const { boundUnforeseen } = ours;
    return boundUnforeseen === undefined
      ? []
      : [
          [
            workload,
            seconds(ours.p95),
            hours(ours.cost),
            ours.settings,
            ratio(over),
            ratio(ours.cost / boundUnforeseen),
          ],
        ];
  });
  return table(
    ['workload', 'p95', 'hours', 'settings', 'over the oracle', 'over the bound without foresight'],
    rows,
  );
}

/** The best known of each family: its default, its cheapest within a minute, its fastest. */
function workloadTable(name: string, here: readonly Result[], dollarsPerHour: number): string {
  const rows = families.flatMap((family) => {
    const all = ofFamily(here, family);
    const best = frontier(all);
    const chosen = new Set(
      [all.find(({ isDefault }) => isDefault), cheapestAsFast(all, 60), best[0]].filter(
        (one) => one !== undefined,
      ),
    );
    return [...chosen].map((one) => [
      family,
      one.settings + (one.isDefault ? ' (default)' : ''),
      hours(one.cost),
      dollars((one.cost / 3600) * dollarsPerHour),
      ...[one.p50, one.p95, one.p99, one.worst].map(seconds),
      String(Math.round(one.launches)),
    ]);
  });
  const what = workloads.find((one) => one.name === name)?.what ?? '';
  const heads = ['who', 'settings', 'hours', 'dollars', 'p50', 'p95', 'p99', 'worst', 'launches'];
  return `#### ${name}: ${what}\n\n${table(heads, rows)}`;
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |\n`;
  return line(heads) + line(heads.map(() => '---')) + rows.map(line).join('');
}

function ratio(value: number): string {
  return value.toFixed(2);
}
function seconds(value: number): string {
  return `${value < 10 ? value.toFixed(2) : Math.round(value)} s`;
}
function hours(instanceSeconds: number): string {
  const value = instanceSeconds / 3600;
  return value >= 100 ? Math.round(value).toLocaleString('en-US') : value.toFixed(2);
}
function dollars(value: number): string {
  return value >= 1 ? value.toFixed(2) : value.toFixed(4);
}
