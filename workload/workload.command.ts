/**
 * `npm run workload`: posts photos to the web tier, 100 at once, as the course's generator does, and
 * says how it went. Exits 0 only when every request was answered and no answer was wrong.
 */
import type { ArgumentsCamelCase, Argv, CommandModule, InferredOptionTypes } from 'yargs';
import { abortOnSignals, EXIT } from '../runtime/process/exit.ts';
import { createPoster } from './post.ts';
import { formatSummary, showProgress } from './report.ts';
import { prepareRun, runOptions, runWorkload } from './run.ts';

const options = {
  ...runOptions,
  url: { ...runOptions.url, demandOption: true },
  image_folder: { ...runOptions.image_folder, demandOption: true },
  json: { type: 'boolean', default: false, describe: 'print the summary as one JSON object' },
} as const;

type Flags = InferredOptionTypes<typeof options>;

export const command: CommandModule<object, Flags> = {
  command: 'workload',
  describe: 'Post photos to the web tier and measure its answers',
  builder: (yargs: Argv) =>
    yargs
      .options(options)
      .example(
        '$0 workload -n 100 --url http://127.0.0.1:8000/ --image_folder photos',
        '100 photos at once',
      )
      .example(
        '$0 workload --url http://127.0.0.1:8000/ --image_folder photos --prediction_file names.csv',
        'each file once, checking the names',
      )
      .example(
        '$0 workload -n 600 --rate 10 --url http://127.0.0.1:8000/ --image_folder photos',
        '10 per second for a minute',
      ),
  async handler(flags: ArgumentsCamelCase<Flags>): Promise<void> {
    const { url, plan } = await prepareRun(flags);
    const signal = abortOnSignals();
    const poster = createPoster(url, plan.connections);
    const progress = showProgress(plan.requests);
    try {
      const tally = await runWorkload(plan, poster, signal, progress.update);
      progress.stop();
      const summary = tally.summary();
      console.log(flags.json ? JSON.stringify(summary) : formatSummary(summary));
      if (signal.aborted) {
        console.error(`Interrupted after ${tally.done} of ${plan.requests} requests.`);
        process.exitCode = EXIT.interrupted;
      } else if (!summary.passed) {
        process.exitCode = EXIT.failed;
      }
    } finally {
      progress.stop();
      poster.close();
    }
  },
};
