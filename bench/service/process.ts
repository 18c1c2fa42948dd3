/** Processes that a bench starts and ends, and what they say. Knows nothing of what they run. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { BenchError } from '../errors.ts';

/** The last of what a process said, for the error when it ends too soon. */
const LAST_WORDS = 600;

export interface BenchProcess {
  readonly child: ChildProcess;
  /** Everything it wrote to standard output and error. */
  said(): string;
  /** Resolves with what `find` finds in what it says, or in its messages. */
  tells<T>(what: string, find: (said: string) => T | undefined): Promise<T>;
  hears<T>(what: string, find: (message: unknown) => T | undefined): Promise<T>;
  /** Asks it to end, as Ctrl-C does, and waits. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

export function startProcess(
  program: string,
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): BenchProcess {
  const child = spawn(program, args, {
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk) => {
      said += chunk;
      child.emit('said');
    });
  }
  // A bench that is ended leaves nothing running.
  const endWithBench = (): void => void child.kill('SIGTERM');
  process.once('exit', endWithBench);
  const gone = once(child, 'exit').finally(() => process.off('exit', endWithBench));
  gone.catch(() => {});
  const untilFound = <T>(
    what: string,
    event: string,
    look: (...args: unknown[]) => T | undefined,
  ) =>
    new Promise<T>((resolve, reject) => {
      const onEvent = (...args: unknown[]): void => {
        const found = look(...args);
        if (found === undefined) return;
        end();
        resolve(found);
      };
      const onEnd = (): void => {
        end();
        reject(
          new BenchError(
            `${program} ended before ${what}. Its last words:\n${said.slice(-LAST_WORDS)}`,
          ),
        );
      };
      const end = (): void => {
        child.off(event, onEvent);
        child.off('exit', onEnd);
      };
      child.on(event, onEvent);
      child.once('exit', onEnd);
      if (event === 'said') onEvent();
    });
  return {
    child,
    said: () => said,
    tells: (what, find) => untilFound(what, 'said', () => find(said)),
    hears: (what, find) => untilFound(what, 'message', (message) => find(message)),
    async stop(signal = 'SIGINT') {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill(signal);
      await gone;
    },
  };
}
