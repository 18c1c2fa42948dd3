/** tfjs-node's own installer: downloads an older TensorFlow library and a built addon. */
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { NativeError } from '../../errors.ts';
import { run } from '../run.ts';
import { clearInstalled } from './cache.ts';

const PROGRAM = 'scripts/install.js';
const LONGEST_MS = 900_000;
/** A firewall may swallow what is sent to the installer's storage instead of refusing it. */
const FIRST_BYTES_MS = 10_000;

export function hasTfjsNodeInstaller(tfjsNode: string): boolean {
  return existsSync(join(tfjsNode, PROGRAM));
}

/**
 * @param tfjsNode folder of the package
 * @param show let it show its own progress
 * @param firstBytesMs time until something of the library must have arrived
 * @throws {NativeError} when it fails, takes too long, or nothing arrives
 */
export async function runTfjsNodeInstaller(
  tfjsNode: string,
  show: boolean,
  firstBytesMs: number = FIRST_BYTES_MS,
): Promise<void> {
  await clearInstalled(tfjsNode);
  const silence = new AbortController();
  const timer = setTimeout(async () => {
    const arrived = await readdir(join(tfjsNode, 'deps')).catch(() => []);
    if (arrived.length > 0) return;
    silence.abort(new NativeError(`nothing arrived within ${firstBytesMs / 1000} s`));
  }, firstBytesMs);
  try {
    await run(process.execPath, [PROGRAM], {
      cwd: tfjsNode,
      // It calls programs of its dependencies, which npm has on the PATH and a shell has not.
      env: { PATH: [programsBeside(tfjsNode), process.env.PATH].join(delimiter) },
      show,
      timeoutMs: LONGEST_MS,
      signal: silence.signal,
    });
  } finally {
    clearTimeout(timer);
  }
}

/** node_modules/.bin of the node_modules that holds tfjs-node. */
function programsBeside(tfjsNode: string): string {
  return join(dirname(dirname(tfjsNode)), '.bin');
}
