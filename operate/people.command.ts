/** `npm run people`: lists, adds, corrects and forgets the people of any deployment, over its API. */
import type { ArgumentsCamelCase, Argv, CommandModule, InferredOptionTypes } from 'yargs';
import { SettingsError } from '../runtime/errors.ts';
import type { ActionName } from './people/actions.ts';

const names = [
  'list',
  'show',
  'add',
  'rename',
  'merge',
  'remove',
  'forget',
  'receipt',
  'import',
  'export',
  'photos',
  'versions',
  'rollback',
] as const satisfies readonly ActionName[];

const options = {
  url: {
    type: 'string',
    default: 'http://127.0.0.1:8000/',
    describe: 'address of the web tier; its key, if it needs one, is read from API_KEY',
  },
  add: {
    type: 'boolean',
    default: false,
    describe: '`add`, `import` of a folder: add the faces to a person who has this name already',
  },
  accept: {
    choices: ['low-quality'] as const,
    describe: '`add`, `import` of a folder: enrol photos that are blurred, dark or too small, too',
  },
  consent: {
    type: 'string',
    describe: '`add`, `import` of a folder: when and how the person agreed',
  },
  expires: {
    type: 'string',
    describe:
      '`add`, `import` of a folder: when the person is forgotten, e.g. 2027-12-31T00:00:00Z',
  },
  answers: {
    type: 'boolean',
    default: false,
    describe: '`forget`: also delete results that name the person',
  },
} as const;

type Flags = InferredOptionTypes<typeof options> & { what: ActionName; args?: string[] };

export const command: CommandModule<object, Flags> = {
  command: 'people <what> [args..]',
  describe: 'List, add, correct and forget the people of a running service',
  builder: (yargs: Argv) =>
    yargs
      .positional('what', { choices: names, demandOption: true })
      .positional('args', {
        type: 'string',
        array: true,
        describe: 'names, ids, photos or files, as the action needs them',
      })
      .options(options)
      .example('$0 people add "Ada Lovelace" ada1.jpg', 'enrol a person')
      .example('$0 people forget "Ada Lovelace"', 'erase a person and print the receipt')
      .example('$0 people export gallery.jsonl', 'save the gallery, for another deployment')
      .example(
        '$0 people import ~/people',
        'one folder of photos per person',
      ) as unknown as Argv<Flags>,
  async handler({ what, args = [], url, add, accept, ...flags }: ArgumentsCamelCase<Flags>) {
    const [{ actions, requireArguments, requireOptions }, { peopleClient }] = await Promise.all([
      import('./people/actions.ts'),
      import('../people/client.ts'),
    ]);
    if (!URL.canParse(url) || !/^https?:/.test(url)) {
      throw new SettingsError(
        `--url must be the http or https address of the web tier, not ${url}.`,
      );
    }
    const given = args.map(String);
    requireArguments(what, given);
    const { answers, consent, expires } = flags;
    requireOptions(what, { add, accept, answers, consent, expires });
    const acceptLowQuality = accept === 'low-quality';
    const lines = actions[what].run(peopleClient(url, process.env.API_KEY), given, {
      add,
      acceptLowQuality,
      ...(consent === undefined ? {} : { consent }),
      ...(expires === undefined ? {} : { expires }),
      answers,
    });
    for await (const line of lines) console.log(line);
  },
};
