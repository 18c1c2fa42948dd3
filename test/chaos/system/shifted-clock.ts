/**
 * Preloaded (`node --import`) into a service: its Date is as far from the machine's as a file says, read
 * again and again. Monotonic clocks stay as they are, as when NTP is wrong.
 */
import { readFileSync } from 'node:fs';

/** Names the file; it holds ms, above 0 for ahead. No file is no shift. */
export const CLOCK_VARIABLE = 'CHAOS_CLOCK_FILE';
const LOOK_MS = 100;

const file = process.env[CLOCK_VARIABLE];
if (file !== undefined) shiftDates(file);

function shiftDates(from: string): void {
  const realNow = Date.now;
  let shiftMs = 0;
  const look = (): void => {
    try {
      shiftMs = Number(readFileSync(from, 'utf8')) || 0;
    } catch {
      shiftMs = 0;
    }
  };
  look();
  setInterval(look, LOOK_MS).unref();
  const now = (): number => realNow() + shiftMs;
  Date.now = now;
  globalThis.Date = new Proxy(Date, {
    construct: (target, args, newTarget) =>
      Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget) as object,
    apply: () => new Date(now()).toString(),
  });
}
