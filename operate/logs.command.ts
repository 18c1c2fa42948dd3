/** `elastic-face logs`: shows the logs of the local stack, of one request or of all. */
import type { ArgumentsCamelCase, Argv, CommandModule, InferredOptionTypes } from 'yargs';
import type { Level } from '../local/logs.ts';
import { EXIT } from '../runtime/process/exit.ts';

const options = {
  request: {
    type: 'string',
    requiresArg: true,
    describe: 'Only lines of this request: its id (X-Request-Id) or the start of it',
  },
  service: {
    choices: ['web', 'worker', 'scaler'] as const,
    describe: 'Only lines of this service',
  },
  level: {
    choices: ['debug', 'info', 'warn', 'error'] as const,
    describe: 'Lowest log level to show',
  },
  since: {
    type: 'number',
    requiresArg: true,
    describe: 'Only lines of the last N minutes',
  },
  follow: { type: 'boolean', default: false, describe: 'Keep printing new lines' },
  json: { type: 'boolean', default: false, describe: 'Print the lines as JSON' },
} as const;

type Flags = InferredOptionTypes<typeof options>;

/** Beside what a person takes to look up, and cheap. */
const FOLLOW_MS = 250;

export const command: CommandModule<object, Flags> = {
  command: 'logs',
  describe: 'Show the logs of the local stack, e.g. of one request across all services',
  builder: (yargs: Argv) =>
    yargs
      .options(options)
      .example('$0 logs --request 0b9d3f0e', 'one request through web and worker')
      .example('$0 logs --level warn --since 10', 'warnings of the last ten minutes')
      .epilogue(
        'On AWS the services log to the journal: `journalctl -u elastic-face-worker -o cat` on an instance.',
      ) as unknown as Argv<Flags>,
  async handler({ request, service, level, since, follow, json }: ArgumentsCamelCase<Flags>) {
    const [{ LogFiles, lineForPeople }, { readSettings }, { join }, { setTimeout: sleep }] =
      await Promise.all([
        import('../local/logs.ts'),
        import('../runtime/settings.ts'),
        import('node:path'),
        import('node:timers/promises'),
      ]);
    const folder = join(readSettings().LOCAL_DATA_DIR, 'logs');
    const logs = new LogFiles(folder, {
      request,
      service,
      level: level as Level | undefined,
      since: since === undefined ? undefined : Date.now() - since * 60_000,
    });
    let shown = 0;
    const show = async (): Promise<void> => {
      for (const line of await logs.next()) {
        console.log(json ? JSON.stringify(line) : lineForPeople(line));
        shown += 1;
      }
    };
    await show();
    while (follow) {
      await sleep(FOLLOW_MS);
      await show();
    }
    if (shown > 0) return;
    console.error(
      `No such line in ${folder}. Is the stack of that data folder (LOCAL_DATA_DIR) the one you mean?`,
    );
    process.exitCode = EXIT.failed;
  },
};
