/** `elastic-face photo`: the path of a photo to try the system with. */
import type { CommandModule } from 'yargs';

interface PhotoArguments {
  name?: string;
  list: boolean;
}

export const command: CommandModule<object, PhotoArguments> = {
  command: 'photo [name]',
  describe: 'Print the path of a photo of a person in the gallery, fetched if needed',
  builder: (args) =>
    args
      .positional('name', {
        type: 'string',
        describe: 'Name of the photo, e.g. test_003 (default: the first of --list)',
      })
      .option('list', {
        type: 'boolean',
        default: false,
        describe: 'Print the names of all photos, each with the right answer',
      })
      .example('curl -F "inputFile=@$(npm run -s photo)" http://127.0.0.1:8000/', 'post one'),
  handler: async ({ name, list }) => {
    const [{ readSettings }, { findSamplePhotos }, { CheckpointError }] = await Promise.all([
      import('../runtime/settings.ts'),
      import('./sources/sample-photos.ts'),
      import('./errors.ts'),
    ]);
    const photos = await findSamplePhotos(readSettings().MODEL_DIR);
    if (list) {
      for (const { name, person, enrolled } of photos) {
        console.log(`${name}:${person}${enrolled ? ' (in the gallery)' : ''}`);
      }
      return;
    }
    const photo = name === undefined ? photos[0] : photos.find((one) => one.name === name);
    if (photo === undefined) {
      throw new CheckpointError(`There is no photo '${name}': see \`npm run photo -- --list\`.`);
    }
    console.log(photo.path);
  },
};
