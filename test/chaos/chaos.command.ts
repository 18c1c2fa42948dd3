/**
 * `npm run chaos`: the whole system under real load and faults from a seed, held against its promises, and
 * what came of it in words.
 */
import type { ArgumentsCamelCase, Argv, CommandModule, InferredOptionTypes } from 'yargs';
import { SettingsError } from '../../runtime/errors.ts';
import { EXIT } from '../../runtime/process/exit.ts';
import type { ChaosReport } from './options.ts';
import type { PeopleCounts } from './people/people-load.ts';

const options = {
  requests: { type: 'number', default: 200, describe: 'total number of uploads' },
  seed: { type: 'number', default: 1, describe: 'the same seed gives the same schedule of faults' },
  minutes: { type: 'number', default: 5, describe: 'minutes after which no upload is started' },
  faults: { type: 'number', default: 40, describe: 'average faults per minute in a storm' },
  storm: { type: 'number', default: 40, describe: 'average faults per storm' },
  clients: {
    type: 'number',
    default: 24,
    describe: 'maximum number of simultaneous well-behaved uploads',
  },
  share: {
    type: 'number',
    default: 0.6,
    describe: 'share of the capacity that well-behaved clients use',
  },
  lead: { type: 'number', default: 20, describe: 'seconds without faults at the start' },
  quiet: {
    type: 'number',
    default: 36,
    describe: 'seconds without faults after each storm and each single fault (0 = one long storm)',
  },
  people: {
    type: 'boolean',
    default: false,
    describe: 'also enrol, correct and forget people, with faults that hit these changes',
  },
  longest: { type: 'number', default: 180, describe: 'maximum duration of a fault in seconds' },
} as const;

type Flags = InferredOptionTypes<typeof options>;

export const command: CommandModule<object, Flags> = {
  command: 'chaos',
  describe: 'Break the whole system at random and check that no request is lost',
  builder: (yargs: Argv) =>
    yargs
      .options(options)
      .example('$0 chaos --requests 500 --seed 7 --minutes 3', 'repeat the run of seed 7')
      .check(({ requests, seed, quiet, ...rest }) => {
        const { minutes, faults, storm, clients, share, lead, longest } = rest;
        const positive = [requests, minutes, faults, storm, clients, share, lead, longest];
        const isGood = positive.every((value) => value > 0);
        if (isGood && quiet >= 0 && Number.isInteger(requests) && Number.isInteger(seed))
          return true;
        throw new SettingsError(
          '--requests, --minutes, --faults, --storm, --clients, --share, --lead and --longest must be numbers above 0, --quiet must be at least 0, and --requests and --seed must be whole numbers.',
        );
      }) as unknown as Argv<Flags>,
  async handler({
    requests,
    seed,
    minutes,
    faults,
    clients,
    people,
    ...times
  }: ArgumentsCamelCase<Flags>) {
    const [{ runChaos }, { coursePhotos }, { ensureModel }, { readSettings }] = await Promise.all([
      import('./run.ts'),
      import('./load.ts'),
      import('../../convert/ensure-model.ts'),
      import('../../runtime/settings.ts'),
    ]);
    const settings = readSettings();
    await ensureModel(settings, (line) => console.log(line));
    const stopping = new AbortController();
    process.once('SIGINT', () => stopping.abort());
    const report = await runChaos({
      requests,
      seed,
      minutes,
      faultsPerMinute: faults,
      faultsPerStorm: times.storm,
      clients,
      share: times.share,
      leadSeconds: times.lead,
      quietSeconds: times.quiet,
      longestSeconds: times.longest,
      photo: await coursePhotos(),
      people: people ? { searches: true } : undefined,
      settings: { MODEL_DIR: settings.MODEL_DIR, BACKEND: settings.BACKEND },
      signal: stopping.signal,
      say: (line) => console.log(line),
    });
    console.log(`\nseed ${seed}\n${reportText(report)}`);
    if (report.breaches.length > 0) process.exit(EXIT.failed);
    process.exit(stopping.signal.aborted ? EXIT.interrupted : EXIT.fine);
  },
};

const MOST_BREACHES = 50;

function reportText(report: ChaosReport): string {
  const { breaches, errors, cost, people } = report;
  const failed = Object.entries(errors).map(([status, count]) => `${count} with ${status}`);
  const faults = Object.values(report.faults).reduce((sum, count) => sum + count, 0);
  const lines = [
    `uploads           ${report.sent} sent, ${report.sentInBursts} more in bursts; ${report.accepted} accepted into the queue`,
    `  answered right  ${report.right}`,
    `  refused         ${report.refused} (no image, no face)`,
    `  clear errors    ${failed.join(', ') || 'none'}`,
    `  cut off         ${report.cut}, with a web node that died`,
    `dead letters      ${report.letters}`,
    ...(people === undefined ? [] : [peopleText(people)]),
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

function peopleText({ enrolled, corrected, forgotten, repeated, searches }: PeopleCounts): string {
  return `people            ${enrolled} enrolled, ${corrected} corrections, ${forgotten} forgotten; sent again ${repeated} times; ${searches} searches`;
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
