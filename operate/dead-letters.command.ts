/** `npm run dead-letters`: lists, shows, retries or drops the requests that were given up. */
import type { ArgumentsCamelCase, Argv, CommandModule, InferredOptionTypes } from 'yargs';
import type { DeadLetterDesk } from './dead-letter-desk.ts';

const options = {
  all: { type: 'boolean', default: false, describe: '`retry`, `drop`: all letters' },
} as const;

type Flags = InferredOptionTypes<typeof options> & { what: string; ids?: string[] };

export const command: CommandModule<object, Flags> = {
  command: 'dead-letters <what> [ids..]',
  describe: 'List, show, retry or drop requests that were given up',
  builder: (yargs: Argv) =>
    yargs
      .positional('what', { choices: ['list', 'show', 'retry', 'drop'], demandOption: true })
      .positional('ids', {
        type: 'string',
        array: true,
        describe: 'request ids, as `list` prints them',
      })
      .options(options)
      .example('$0 dead-letters list', 'one line per letter: id, file, time, deliveries, reason')
      .example(
        '$0 dead-letters retry --all',
        'send every one of them again',
      ) as unknown as Argv<Flags>,
  async handler({ what, ids = [], all }: ArgumentsCamelCase<Flags>) {
    const [{ openDeadLetterDesk }, { readSettingsOfStack }, { createLogger }] = await Promise.all([
      import('./dead-letter-desk.ts'),
      import('../cloud/aws/stack-settings.ts'),
      import('../runtime/log.ts'),
    ]);
    const settings = await readSettingsOfStack();
    const desk = await openDeadLetterDesk(
      settings,
      createLogger('dead-letters', settings.LOG_LEVEL),
    );
    try {
      for await (const line of linesOf(desk, what, all ? 'all' : ids)) console.log(line);
    } finally {
      desk.close();
    }
  },
};

function linesOf(desk: DeadLetterDesk, what: string, ids: readonly string[] | 'all') {
  switch (what) {
    case 'show':
      return desk.show(ids.length === 0 ? 'all' : ids);
    case 'retry':
      return desk.retry(ids);
    case 'drop':
      return desk.drop(ids);
    default:
      return desk.list();
  }
}
