/** Graceful stop: the first signal asks, a later one exits at once. Does not know what is being stopped. */
import type { Logger } from '../log.ts';
import { EXIT } from './exit-codes.ts';

/** One Ctrl-C can arrive twice: from the terminal and again from npm. */
const SAME_SIGNAL_MS = 1000;

/**
 * Runs `stop` once on SIGTERM or SIGINT and exits 0 when it has finished, 1 when it failed.
 * A second signal more than a second later exits at once with 1, so that a stuck stop can be ended.
 */
export function stopOnSignals(log: Logger, stop: (signal: string) => Promise<void>): void {
  let askedAt: number | undefined;
  const onSignal = (signal: NodeJS.Signals): void => {
    const now = performance.now();
    if (askedAt !== undefined) {
      if (now - askedAt > SAME_SIGNAL_MS) {
        log.warn({ signal }, 'Second signal: exiting at once');
        process.exit(1);
      }
      return;
    }
    askedAt = now;
    log.info({ signal }, 'stopping');
    stop(signal).then(
      () => process.exit(0),
      (err: unknown) => {
        log.error({ err }, 'Stopping failed');
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
}

/**
 * Exits when the parent process is gone, however it ended. Applies to a process that was started with an IPC
 * channel, as the embedded cloud does.
 */
export function leaveWithParent(log: Logger): void {
  if (!process.connected) return;
  process.once('disconnect', () => {
    log.warn('The parent process is gone; exiting');
    process.exit(1);
  });
}

/** For a command that can report how far it came: aborted by the first SIGINT or SIGTERM; another, more than a second later, exits at once. */
export function abortOnSignals(): AbortSignal {
  const stopping = new AbortController();
  let askedAt: number | undefined;
  const onSignal = (): void => {
    const now = performance.now();
    if (askedAt !== undefined && now - askedAt > SAME_SIGNAL_MS) process.exit(EXIT.interrupted);
    askedAt ??= now;
    stopping.abort();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return stopping.signal;
}
