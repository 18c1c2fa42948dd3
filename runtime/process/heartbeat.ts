/**
 * The sign of life for probes of containers, which have neither systemd nor, for a worker, a port to ask: a
 * file that is renewed while the event loop turns.
 */
import { writeFileSync } from 'node:fs';
import type { Logger } from '../log.ts';

const EVERY_MS = 5000;

/**
 * Writes the time into `file` now and every 5 s until this process ends, also while it drains. A file that
 * cannot be written is reported once and tried again.
 */
export function keepHeartbeat(file: string, log: Logger, everyMs = EVERY_MS): void {
  let isReported = false;
  const beat = (): void => {
    try {
      writeFileSync(file, `${new Date().toISOString()}\n`);
    } catch (err) {
      if (!isReported) log.warn({ err }, 'Cannot write the heartbeat file: correct HEARTBEAT_FILE');
      isReported = true;
    }
  };
  beat();
  setInterval(beat, everyMs).unref();
}
