/** A redis-server process that ends with this one and stops when asked. Knows nothing of its settings. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

export interface RedisServer {
  readonly pid: number;
  /** Resolves, never rejects, when it has ended; the text says how. */
  readonly gone: Promise<string>;
  /** Asks it to stop until it does, and kills it after STOP_MS; more calls do nothing more. */
  stop(): void;
  kill(): void;
}

const STOP_MS = 5000;
/** Redis refuses to stop while a replica writes its first append-only file, and forgets the request. */
const ASK_AGAIN_MS = 250;

/**
 * Its standard input is a pipe that closes when this process is gone, however it went: a watcher
 * beside it then ends it. The shell becomes redis-server, so that the pid is the server's own.
 */
const ENDS_WITH_PARENT =
  'exec 3<&0; (cat <&3 >/dev/null; kill -TERM $$ 2>/dev/null) >/dev/null 2>&1 & exec 3<&-; exec "$@" </dev/null';

/** @param settings as in redis.conf */
export async function spawnRedisServer(
  program: string,
  settings: Readonly<Record<string, string>>,
): Promise<RedisServer> {
  const flags = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
  const child = spawn('/bin/sh', ['-c', ENDS_WITH_PARENT, 'redis-server', program, ...flags], {
    stdio: ['pipe', 'ignore', 'ignore'],
    // A terminal's Ctrl-C must not take Redis from under services that still answer.
    detached: true,
    env: {},
  });
  child.stdin.on('error', () => undefined);
  await once(child, 'spawn');
  let asking: NodeJS.Timeout | undefined;
  let kill: NodeJS.Timeout | undefined;
  return {
    pid: child.pid!,
    gone: once(child, 'exit').then(([code, signal]) => {
      clearInterval(asking);
      clearTimeout(kill);
      child.stdin.destroy();
      return String(signal ?? `code ${code}`);
    }),
    stop() {
      if (kill !== undefined || child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      asking = setInterval(() => child.kill('SIGTERM'), ASK_AGAIN_MS);
      kill = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    },
    kill: () => void child.kill('SIGKILL'),
  };
}

/** @param searchPath value of PATH */
export async function findProgram(name: string, searchPath: string): Promise<string | undefined> {
  for (const folder of searchPath.split(delimiter).filter((part) => part !== '')) {
    const file = join(folder, name);
    const usable = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (usable) return file;
  }
  return undefined;
}
