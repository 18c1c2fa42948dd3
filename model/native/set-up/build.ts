/** Builds the native parts from the package registries: TensorFlow's wheel, and one compiler call. */
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { nativeParts, TENSORFLOW_VERSION } from '../paths.ts';
import { compileAddon } from './addon.ts';
import { requireTools } from './tools.ts';
import { fetchWheel, unpackWheel, type Wheel } from './wheel.ts';

export interface SetUpLog {
  /** Told each step, one line each. */
  readonly say: (line: string) => void;
  /** Let pip and others show their own progress. */
  readonly show: boolean;
}

/**
 * Writes every native part into `folder`; needs about 1.2 GB there meanwhile, and 0.85 GB after.
 * @throws {NativeError} when pip, the wheel or a compiler is missing or fails
 */
export async function buildNativeParts(
  folder: string,
  wheel: Wheel,
  teller: SetUpLog,
): Promise<void> {
  // Before a large download that would be in vain.
  const { compiler } = await requireTools();
  teller.say(`fetching TensorFlow ${TENSORFLOW_VERSION} (about 280 MB)`);
  const path = await fetchWheel(wheel, folder, teller.show);
  teller.say('unpacking it');
  const unpacked = join(folder, 'unpacked');
  await unpackWheel(path, unpacked);
  await rm(path);
  const libraries = join(unpacked, 'tensorflow');
  teller.say("compiling tfjs-node's addon");
  await compileAddon(compiler, join(folder, 'tfjs_binding.node'), {
    libraries,
    headers: join(libraries, 'include'),
  });
  for (const { cached } of nativeParts) {
    if (cached.startsWith('lib')) await rename(join(libraries, cached), join(folder, cached));
  }
  await rm(unpacked, { recursive: true });
}
