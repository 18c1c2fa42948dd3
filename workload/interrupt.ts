/** Ctrl-C as an AbortSignal, so that a run that is broken off can still say how far it came. */

import { EXIT } from '../runtime/process/exit-codes.ts';

/** A terminal's Ctrl-C can arrive twice: from the terminal and again from npm. That is one wish. */
const SAME_WISH_MS = 1000;

/** Aborted by the first SIGINT or SIGTERM; another, more than a second later, exits at once. */
export function abortOnSignals(): AbortSignal {
  const stopping = new AbortController();
  let askedAt: number | undefined;
  const onSignal = (): void => {
    const now = performance.now();
    if (askedAt !== undefined && now - askedAt > SAME_WISH_MS) process.exit(EXIT.interrupted);
    askedAt ??= now;
    stopping.abort();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return stopping.signal;
}
