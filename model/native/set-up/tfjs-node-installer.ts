/** Runs tfjs-node's own installer, which downloads an older TensorFlow library and a compiled addon. */
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { NativeError } from '../../errors.ts';
import { run } from '../run.ts';
import { clearInstalled } from './cache.ts';

const PROGRAM = 'scripts/install.js';
const LONGEST_MS = 900_000;
/** A firewall may drop packets to the installer's storage without refusing the connection. */
const FIRST_BYTES_MS = 10_000;

export function hasTfjsNodeInstaller(tfjsNode: string): boolean {
  return existsSync(join(tfjsNode, PROGRAM));
}

/**
 * @param tfjsNode folder of the package
 * @param show let it show its own progress
 * @param firstBytesMs timeout until the first part of the library arrives
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
      // It calls programs of its dependencies, which npm adds to the PATH.
      env: { PATH: [programsBeside(tfjsNode), process.env.PATH].join(delimiter) },
      show,
      timeoutMs: LONGEST_MS,
      signal: silence.signal,
    });
  } finally {
    clearTimeout(timer);
  }
}

/** The `.bin` folder of the node_modules that contains tfjs-node. */
function programsBeside(tfjsNode: string): string {
  return join(dirname(dirname(tfjsNode)), '.bin');
}
