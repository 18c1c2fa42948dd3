/** Situations for tests of single policies: no work and no instances unless the test says otherwise. */
import type { Situation } from './policy.ts';

/** `visible` and `inFlight` make the demand, which both sources show. */
export function situation(given: Partial<Situation> = {}): Situation {
  const { visible = 0, inFlight = 0 } = given;
  return {
    now: 1_000_000,
    demand: { known: visible + inFlight, certain: true },
    visible,
    inFlight,
    oldestSeconds: visible + inFlight > 0 ? 0 : undefined,
    emptySeconds: visible + inFlight > 0 ? undefined : 0,
    serving: 0,
    booting: [],
    arrivalsPerSecond: 0,
    freshArrivalsPerSecond: given.arrivalsPerSecond ?? 0,
    serviceSeconds: 1,
    bootSeconds: 40,
    ...given,
  };
}
