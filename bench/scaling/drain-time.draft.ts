/**
 * A draft of the policy `drain-time`, for the simulator only, until scaler/policies has its own.
 */
import type { Scaler } from './world.ts';

export interface DraftSettings {
  readonly goal: number;
  readonly least: number;
  readonly service: number;
  readonly boot: number;
}

const HOLD_SECONDS = 30;

export function draftDrainTime(
  { goal, least, service, boot }: DraftSettings,
  most: number,
): Scaler {
  let rate = 0;
  let rateWeight = 0;
  let spareSince: number | undefined;
  let emptySince: number | undefined;
  const tau = 40;
  return {
    tick(view) {
      const { now, visible, inFlight, oldest, serving, booting, arrived } = view;
      const keep = Math.exp(-1 / tau);
      rate = rate * keep + arrived * (1 - keep);
      rateWeight = rateWeight * keep + (1 - keep);
      const perSecond = rateWeight > 0.3 ? rate / rateWeight : rate;
      const load = perSecond * service;
      const queued = visible + inFlight;
      const work = visible * service + (inFlight * service) / 2;
      const left = booting.map((age) => Math.max(1, boot - age)).sort((a, b) => a - b);
      const have = serving + booting.length;
      emptySince = queued === 0 ? (emptySince ?? now) : undefined;

      // Time until all that waits now is done, with `more` launched now.
      const clear = (base: number, more: number): number => {
        if (work === 0) return 0;
        let capacity = base;
        let at = 0;
        let done = 0;
        for (const next of [...left, ...Array.from({ length: more }, () => boot)]) {
          if (capacity > 0 && done + capacity * (next - at) >= work) break;
          done += capacity * (next - at);
          at = next;
          capacity += 1;
        }
        return capacity > 0 ? at + (work - done) / capacity : Number.POSITIVE_INFINITY;
      };

      if (queued > 0 && have === 0) {
        const slack = goal - boot - oldest - 5;
        const space = Math.max(slack, Math.min(goal, 10) * 0.5, 0.5);
        if (slack > work && now > 1 && work / space <= 1) return {};
        const want = Math.max(least, Math.ceil(work / space), Math.ceil(load * 1.02));
        return { launch: Math.min(most, want) };
      }
      const margin = goal < boot ? 1.15 + 0.6 / Math.max(goal, 0.3) / 10 : 1.03;
      const steady = load > 0.02 ? Math.ceil(load * margin) : 0;
      const allowed = Math.max(goal - 5, boot + Math.min(goal, 10) * 0.5);
      const now_ = clear(serving, 0);
      const late = Math.max(now_, visible > 0 && serving === 0 ? oldest + (left[0] ?? boot) : 0);
      let want = Math.max(least, have);
      if (late > allowed) {
        let more = 0;
        while (have + more < most && clear(serving, more) > allowed) more += Math.max(1, more >> 2);
        want = Math.max(want, have + more);
      }
      // A load above the fleet makes the queue grow without end.
      if (steady > have && visible > 0) want = Math.max(want, steady);
      want = Math.min(most, want);
      if (want > have) {
        spareSince = undefined;
        return { launch: want - have };
      }
      // What could go: the fleet that the load needs and that clears the queue in half the goal.
      let enough = Math.max(least, steady, work > 0 ? Math.ceil(work / Math.max(1, goal / 2)) : 0);
      if (goal < boot) enough = Math.max(enough, Math.ceil(load + 1.2 * Math.sqrt(load)));
      if (queued === 0 && emptySince !== undefined) {
        const lazy = goal > boot + 10;
        const quiet = now - emptySince;
        // To zero when waiting for the next costs more than booting for it.
        const cycle = 1 / Math.max(perSecond, 1e-6) + Math.max(0, goal - boot - 5);
        if ((lazy && cycle > 60) || quiet >= 60)
          return { drain: { count: have - least, idleSeconds: 0 } };
        enough = Math.max(enough, 1);
      } else enough = Math.max(enough, 1);
      if (enough >= have) {
        spareSince = undefined;
        return {};
      }
      spareSince ??= now;
      if (now - spareSince < HOLD_SECONDS && queued > 0) return {};
      return { drain: { count: have - enough, idleSeconds: 0 } };
    },
  };
}
