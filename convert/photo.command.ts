/** `elastic-face photo`: the path of a photo to try the system with. */
import { join } from 'node:path';
import type { CommandModule } from 'yargs';

interface PhotoArguments {
  name: string;
}

export const command: CommandModule<object, PhotoArguments> = {
  command: 'photo [name]',
  describe: 'Print the path of one of the public course’s photos, fetched if needed',
  builder: (args) =>
    args
      .positional('name', {
        type: 'string',
        default: 'test_000',
        describe: 'Name of the photo, test_000 to test_999',
      })
      .example('curl -F inputFile=@$(npm run -s photo) http://127.0.0.1:8000/', 'post one'),
  handler: async ({ name }) => {
    const [{ existsSync }, { findCourseData }, { CheckpointError }] = await Promise.all([
      import('node:fs'),
      import('./course-data.ts'),
      import('./errors.ts'),
    ]);
    const { images } = await findCourseData(1000);
    const path = join(images, `${name}.jpg`);
    if (!/^\w+$/.test(name) || !existsSync(path)) {
      throw new CheckpointError(`There is no photo '${name}': name one from test_000 to test_999.`);
    }
    console.log(path);
  },
};
