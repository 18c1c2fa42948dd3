/** Compiles tfjs-node's own addon against a TensorFlow library, in one call of the C++ compiler. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { NAPI_VERSION, nodeApiHeaders, tfjsNodeFolder } from './places.ts';
import { run } from './run.ts';

/** From the addon's place in tfjs-node to the libraries' place. */
const RUN_PATH = '$ORIGIN/../../deps/lib';

export interface AddonInputs {
  /** Folder of libtensorflow_cc.so.2 and libtensorflow_framework.so.2. */
  readonly libraries: string;
  /** Folder that holds TensorFlow's `tensorflow/c/…` headers. */
  readonly headers: string;
}

/** @throws {NativeError} when the compiler fails, quoting it */
export async function compileAddon(
  compiler: string,
  output: string,
  inputs: AddonInputs,
): Promise<void> {
  const sources = join(tfjsNodeFolder, 'binding');
  const files = (await readdir(sources)).filter((file) => file.endsWith('.cc'));
  await run(compiler, [
    ...['-std=c++17', '-O2', '-fPIC', '-shared', '-w', `-DNAPI_VERSION=${NAPI_VERSION}`],
    ...['-I', nodeApiHeaders, '-I', inputs.headers],
    ...files.map((file) => join(sources, file)),
    ...['-L', inputs.libraries, '-l:libtensorflow_cc.so.2', '-l:libtensorflow_framework.so.2'],
    ...[`-Wl,-rpath,${RUN_PATH}`, '-s', '-o', output],
  ]);
}
