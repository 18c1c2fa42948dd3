/** Keeps one process up, as systemd's `Restart=always` does. Knows nothing of what it runs. */
import { setTimeout as delay } from 'node:timers/promises';

export interface Running {
  readonly pid: number;
  /** Resolves, never rejects, when it is gone; the text says how it ended. */
  readonly gone: Promise<string>;
  /** Asks it to stop, and insists after a while. */
  stop(): void;
}

export interface Supervised {
  /** Undefined while it is between two lives. */
  readonly pid: number | undefined;
  /** Its lives that have ended, each with how. */
  readonly ends: readonly { readonly at: number; readonly how: string }[];
  stop(): Promise<void>;
}

/** systemd's RestartSec, here shorter than its usual choice, so that a run meets more faults. */
const RESTART_MS = 500;

/**
 * @param start begins one life
 * @throws what the first start throws
 */
export async function supervise(
  start: () => Promise<Running>,
  { restartMs = RESTART_MS }: { restartMs?: number } = {},
): Promise<Supervised> {
  let running: Running | undefined = await start();
  const ends: { at: number; how: string }[] = [];
  const stopping = new AbortController();
  const keep = async (): Promise<void> => {
    while (running !== undefined) {
      const how = await running.gone;
      ends.push({ at: performance.now(), how });
      running = undefined;
      while (running === undefined && !stopping.signal.aborted) {
        await delay(restartMs, undefined, { signal: stopping.signal }).catch(() => undefined);
        if (stopping.signal.aborted) return;
        // What cannot be started now is tried again, as systemd does.
        running = await start().catch(() => undefined);
        if (stopping.signal.aborted) running?.stop();
      }
    }
  };
  const kept = keep();
  return {
    get pid() {
      return running?.pid;
    },
    ends,
    async stop() {
      stopping.abort();
      running?.stop();
      await kept;
    },
  };
}
