/** `elastic-face recognize`: names the people in photos on this machine, without any cloud service. */
import type { Argv, CommandModule, InferredOptionTypes, Options } from 'yargs';
import { SettingsError } from '../runtime/errors.ts';
import { EXIT } from '../runtime/process/exit.ts';

const options = {
  json: { type: 'boolean', default: false, describe: 'Print one JSON object per line' },
  explain: {
    type: 'boolean',
    default: false,
    describe: 'After each name and a tab, print how certain it is and what is wrong with the face',
  },
  embeddings: {
    type: 'boolean',
    default: false,
    describe: 'With --json: include the values of the embedding',
  },
  top: { type: 'number', default: 3, describe: 'With --json: number of nearest people' },
  'all-faces': {
    type: 'boolean',
    default: false,
    describe: 'Recognise every face, largest first: one line each, or with --json a list `faces`',
  },
  draw: {
    type: 'string',
    requiresArg: true,
    describe: 'Also write each photo into this folder, with boxes, landmarks and names drawn',
  },
  backend: {
    choices: ['auto', 'tensorflow', 'wasm'] as const,
    describe: 'Engine that runs the networks (setting BACKEND; default auto)',
  },
  precision: {
    choices: ['auto', 'float32', 'bfloat16'] as const,
    describe: 'Precision of the encoder; the names are the same (setting PRECISION; default auto)',
  },
  threads: { type: 'number', describe: 'Threads of the engine (setting THREADS; default 1)' },
  orient: {
    type: 'boolean',
    default: true,
    describe:
      'Turn photos upright, by EXIF orientation or until a clear face is upright; --no-orient leaves them as stored',
  },
  model: { type: 'string', describe: 'Folder of the converted model (setting MODEL_DIR)' },
} satisfies Record<string, Options>;

type RecognizeArguments = InferredOptionTypes<typeof options> & { files: string[] };

export const command: CommandModule<object, RecognizeArguments> = {
  command: 'recognize <files..>',
  describe: 'Name the people in photos or folders of photos: one line `stem:name` per photo',
  builder: (yargs: Argv) =>
    yargs
      .positional('files', {
        type: 'string',
        array: true,
        demandOption: true,
        describe: 'Photos, or folders of photos',
      })
      .options(options)
      .check(({ top, embeddings, explain, json }) => {
        if (!Number.isInteger(top) || top < 1) {
          throw new SettingsError('--top must be a whole number of at least 1.');
        }
        if (explain && json) {
          throw new SettingsError('--explain is for people; --json has odds and quality already.');
        }
        if (embeddings && !json) throw new SettingsError('--embeddings needs --json: add it.');
        return true;
      })
      .example('$0 recognize photo.jpg', 'photo:Paul')
      .example('$0 recognize --explain photo.jpg', 'and how many strangers would be as near')
      .example('$0 recognize --draw drawn --all-faces photos', 'and a picture of each in drawn/')
      .example('$0 recognize --json --all-faces photos', 'every face of every photo in a folder')
      .epilogue(
        'If a photo fails, its error is printed and the other photos are still recognised.',
      ),
  handler: async (given) => {
    const { recognizeFiles } = await import('./command/recognize-files.ts');
    const failed = await recognizeFiles(given);
    if (failed > 0) process.exitCode = EXIT.failed;
  },
};
