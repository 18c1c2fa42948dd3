/** `npm run soak`: steady load for a long time, and whether any service grows under it. */
import type { Argv, CommandModule, InferredOptionTypes } from 'yargs';
import { EXIT } from '../runtime/process/exit.ts';

const options = {
  minutes: { type: 'number', default: 30, requiresArg: true, describe: 'duration of the load' },
  share: {
    type: 'number',
    default: 0.8,
    requiresArg: true,
    describe: 'load, as a share of the workers’ capacity',
  },
  workers: {
    type: 'number',
    default: 1,
    requiresArg: true,
    describe: 'number of instances, constant',
  },
  json: { type: 'boolean', default: false, describe: 'print the result as one JSON object' },
} as const;

export const command: CommandModule<object, InferredOptionTypes<typeof options>> = {
  command: 'soak',
  describe: 'Run steady load on the whole system; exit 1 if memory or file descriptors grow',
  builder: (yargs: Argv) =>
    yargs
      .options(options)
      .example('$0 soak --minutes 60', 'an hour at 80 % of one worker’s capacity')
      .example('$0 soak --minutes 5 --share 0.3 --workers 2', 'a short, light run'),
  async handler({ minutes, share, workers, json }) {
    const { soak, soakText } = await import('./soak.ts');
    const result = await soak({ minutes, share, workers }, (line) => console.error(line));
    console.log(json ? JSON.stringify(result) : soakText(result));
    process.exitCode = result.passed ? EXIT.fine : EXIT.failed;
  },
};
