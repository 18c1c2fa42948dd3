/** The steps of a request as spans, from the times already measured for the log. Knows no model. */
import type { Span } from '../../runtime/tracing/tracing.ts';

/** In their order; those in a list are parts of the first. */
const steps = [
  'fetch',
  'wait',
  ['compute', 'decode', 'detect', 'embed', 'match'],
  'write',
  'reply',
] as const;

/**
 * @param startedAt of the first step, ms since 1970
 * @param timings ms of each step; a photo computed together with others has its share of what they took
 */
export function traceSteps(
  span: Span,
  startedAt: number,
  timings: Readonly<Record<string, number>>,
): void {
  let at = startedAt;
  for (const step of steps) {
    const [name, ...parts] = typeof step === 'string' ? [step] : step;
    const ms = timings[name];
    if (ms === undefined) continue;
    const whole = span.child(name, { startedAt: at });
    let from = at;
    for (const part of parts) {
      const partMs = timings[part];
      if (partMs === undefined) continue;
      whole.child(part, { startedAt: from }).end(undefined, from + partMs);
      from += partMs;
    }
    at += ms;
    whole.end(undefined, at);
  }
}
