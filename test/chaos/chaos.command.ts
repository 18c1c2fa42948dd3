/** `npm run chaos`: the whole system under real load and faults from a seed, held against its promises. */
import type { ArgumentsCamelCase, Argv, CommandModule, InferredOptionTypes } from 'yargs';
import { SettingsError } from '../../runtime/errors.ts';
import { EXIT } from '../../runtime/process/exit.ts';

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
  async handler({ requests, seed, minutes, faults, clients, ...times }: ArgumentsCamelCase<Flags>) {
    const [{ runChaos }, { coursePhotos }, { reportText }, { ensureModel }, { readSettings }] =
      await Promise.all([
        import('./run.ts'),
        import('./load.ts'),
        import('./report.ts'),
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
      settings: { MODEL_DIR: settings.MODEL_DIR, BACKEND: settings.BACKEND },
      signal: stopping.signal,
      say: (line) => console.log(line),
    });
    console.log(`\nseed ${seed}\n${reportText(report)}`);
    if (report.breaches.length > 0) process.exit(EXIT.failed);
    process.exit(stopping.signal.aborted ? EXIT.interrupted : EXIT.fine);
  },
};
