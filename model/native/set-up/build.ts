/** Builds the native library from the package registries: TensorFlow's wheel, and one compiler call. */
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { nativeParts, TENSORFLOW_VERSION } from '../paths.ts';
import { compileAddon } from './addon.ts';
import { requireTools } from './tools.ts';
import { fetchWheel, unpackWheel, type Wheel } from './wheel.ts';

export interface SetUpLog {
  /** Called with one line for each step. */
  readonly say: (line: string) => void;
  /** Let pip and other programs show their own progress. */
  readonly show: boolean;
}

/**
 * Writes the files of the native library into `folder`, which needs about 1.2 GB during the build and 0.85 GB
 * afterwards.
 * @throws {NativeError} when pip, the wheel or a compiler is missing or fails
 */
export async function buildNativeParts(folder: string, wheel: Wheel, log: SetUpLog): Promise<void> {
  // Before the download, which is large and would be useless without a compiler.
  const { compiler } = await requireTools();
  log.say(`fetching TensorFlow ${TENSORFLOW_VERSION} (about 280 MB)`);
  const path = await fetchWheel(wheel, folder, log.show);
  log.say('unpacking it');
  const unpacked = join(folder, 'unpacked');
  await unpackWheel(path, unpacked);
  await rm(path);
  const libraries = join(unpacked, 'tensorflow');
  log.say("compiling tfjs-node's addon");
  await compileAddon(compiler, join(folder, 'tfjs_binding.node'), {
    libraries,
    headers: join(libraries, 'include'),
  });
  for (const { cached } of nativeParts) {
    if (cached.startsWith('lib')) await rename(join(libraries, cached), join(folder, cached));
  }
  await rm(unpacked, { recursive: true });
}
