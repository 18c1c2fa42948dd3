/** Graceful stop: one signal asks, a later one insists. Knows nothing of what is being stopped. */
import type { Logger } from '../log.ts';

/** A terminal's Ctrl-C can arrive twice: from the terminal and again from npm. That is one wish. */
const SAME_WISH_MS = 1000;

/**
 * Runs `stop` once on SIGTERM or SIGINT and exits 0 when it has finished, 1 when it failed.
 * A second signal more than a second later exits at once with 1, so that a stuck stop can be ended.
 */
export function stopOnSignals(log: Logger, stop: (signal: string) => Promise<void>): void {
  let askedAt: number | undefined;
  const onSignal = (signal: NodeJS.Signals): void => {
    const now = performance.now();
    if (askedAt !== undefined) {
      if (now - askedAt > SAME_WISH_MS) {
        log.warn({ signal }, 'second signal: leaving at once');
        process.exit(1);
      }
      return;
    }
    askedAt = now;
    log.info({ signal }, 'stopping');
    stop(signal).then(
      () => process.exit(0),
      (err: unknown) => {
        log.error({ err }, 'stop failed');
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
}

/**
 * A process started by another one with a channel (the local cloud does) leaves when that one is gone,
 * however it went: what it would finish for has gone with it.
 */
export function leaveWithParent(log: Logger): void {
  if (!process.connected) return;
  process.once('disconnect', () => {
    log.warn('the parent process is gone: leaving');
    process.exit(1);
  });
}
