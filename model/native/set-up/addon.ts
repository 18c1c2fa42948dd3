/** Compiles native addons with one call of the C++ compiler each, tfjs-node's against a TensorFlow library. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { NAPI_VERSION, nodeApiHeaders, tfjsNodeFolder } from '../paths.ts';
import { run } from '../run.ts';

/** Path from the addon in tfjs-node to the libraries. */
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
  await compileModule(
    compiler,
    output,
    files.map((file) => join(sources, file)),
    [
      ...['-I', inputs.headers],
      ...['-L', inputs.libraries, '-l:libtensorflow_cc.so.2', '-l:libtensorflow_framework.so.2'],
      `-Wl,-rpath,${RUN_PATH}`,
    ],
  );
}

/**
 * Compiles C++ sources into a module that Node can load.
 * @param flags in addition to Node's headers, e.g. for libraries
 * @throws {NativeError} when the compiler fails, quoting it
 */
export async function compileModule(
  compiler: string,
  output: string,
  sources: readonly string[],
  flags: readonly string[] = [],
): Promise<void> {
  await run(compiler, [
    ...['-std=c++17', '-O2', '-fPIC', '-shared', '-w', `-DNAPI_VERSION=${NAPI_VERSION}`],
    ...['-I', nodeApiHeaders, ...sources, ...flags, '-s', '-o', output],
  ]);
}
