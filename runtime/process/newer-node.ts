/**
 * Runs the npm package's command line on a newer Node where this one is too old for it. A checkout brings its
 * Node as a dependency; in a consumer's project that would be in the way of the consumer's own.
 */
import { execFile, spawn } from 'node:child_process';
import { constants } from 'node:os';
import { promisify } from 'node:util';
import { messageOf } from '../errors.ts';

/** Of what the command line uses, `Float16Array` came last. */
const OLDEST = 24;
/** A first time fetches 50 MB. */
const FETCH_MS = 300_000;

export function isOldNode(version: string): boolean {
  return Number.parseInt(version, 10) < OLDEST;
}

/**
 * Returns on a Node that is new enough; otherwise the process becomes one that waits for the same command line
 * on the Node that npx has or fetches, and ends as that one does.
 * @param version of this Node
 */
export async function moveToNewerNode(version = process.versions.node): Promise<void> {
  if (!isOldNode(version)) return;
  const child = spawn(await newerNode(version), process.argv.slice(1), {
    stdio: process.channel ? ['inherit', 'inherit', 'inherit', 'ipc'] : 'inherit',
  });
  child.on('message', (message) => process.send?.(message));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      // A terminal gives its Ctrl-C to both; a second one would cut the child's graceful stop short.
      if (signal !== 'SIGINT' || process.stdin.isTTY !== true) child.kill(signal);
    });
  }
  await new Promise((_, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      process.exit(signal === null ? (code ?? 1) : 128 + constants.signals[signal]);
    });
  });
}

async function newerNode(version: string): Promise<string> {
  console.error(
    `elastic-face: this command needs Node ${OLDEST}, and this is ${version}: npx runs it on Node ${OLDEST}.`,
  );
  const args = ['--yes', `--package=node@${OLDEST}`, '--', 'node', '-p', 'process.execPath'];
  try {
    const { stdout } = await promisify(execFile)('npx', args, { timeout: FETCH_MS });
    return stdout.trim();
  } catch (cause) {
    console.error(
      `npx could not fetch Node ${OLDEST} (${messageOf(cause)}): install Node ${OLDEST} or newer, and run this again.`,
    );
    process.exit(1);
  }
}
