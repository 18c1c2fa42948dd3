/**
 * A draft of the policy `drain-time`, for the simulator only, until scaler/policies has its own.
 */
import type { Scaler } from './world.ts';

export interface DraftSettings {
  readonly goal: number;
  readonly least: number;
  readonly service: number;
  readonly boot: number;
  /** Share of the slack that is waited before the first launch. */
  readonly late: number;
  /** Seconds that a fleet is kept after it was last needed. */
  readonly patience: number;
}

export function draftDrainTime(
  { goal, least, service, boot, late, patience }: DraftSettings,
  most: number,
): Scaler {
  const tau = 40;
  let rate = 0;
  let rateWeight = 0;
  let neededAt = 0;
  let emptySince: number | undefined;
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
      const have = serving + booting.length;
      const tight = goal < boot;
      emptySince = queued === 0 ? (emptySince ?? now) : undefined;
      // What a new instance has to do its work in, once it is up.
      const spell = Math.max(goal - boot, Math.min(goal, 10) / 2, service);

      if (queued > 0 && have === 0) {
        neededAt = now;
        const slack = goal - boot - oldest - 3;
        // Wait as long as one instance can still do it.
        if (!tight && late > 0 && slack * late > work + 1 - (1 - late) * oldest) return {};
        const left = Math.max(spell - oldest, tight ? spell : 5);
        const want = Math.max(least, 1, Math.ceil(work / left - 0.3), Math.floor(load));
        return { launch: Math.min(most, want) };
      }
      const left = booting.map((age) => Math.max(1, boot - age)).sort((a, b) => a - b);
      const clear = (more: number): number => {
        if (work === 0) return 0;
        let capacity = serving;
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
      const allowed = tight ? boot + spell : Math.max(goal - 3, boot + 5);
      let want = Math.max(least, have);
      if (clear(0) > allowed) {
        let more = 1;
        while (have + more < most && clear(more) > allowed) more += Math.max(1, more >> 2);
        want = have + more;
      }
      // What the queue would be when a new instance is up, if arrivals go on.
      const ahead = work + Math.max(0, load - have) * boot;
      if (load > have && ahead / Math.max(1, have) > (tight ? spell : 0.7 * goal))
        want = Math.max(want, Math.ceil(load * (tight ? 1.1 : 1)));
      want = Math.min(most, want);
      if (want > have) {
        neededAt = now;
        return { launch: want - have };
      }
      let enough: number;
      if (tight) enough = Math.ceil(load + 1.2 * Math.sqrt(load));
      else {
        const part = load - Math.floor(load);
        // How long the queue may grow before the part must be back: worth it when longer than a little.
        const off =
          ((0.7 * goal - (part * boot) / Math.max(1, load)) * Math.max(1, load)) /
          Math.max(part, 0.02);
        enough = off > 20 && work < 0.1 * goal ? Math.floor(load) : Math.ceil(load);
      }
      enough = Math.max(least, enough, Math.ceil(work / Math.max(1, tight ? spell : goal / 2)));
      if (queued > 0) enough = Math.max(enough, 1);
      else if (load < 1 && emptySince !== undefined) {
        const off = 1 / Math.max(perSecond, 1e-6) + Math.max(0, goal - boot - 3) * late;
        const quiet = now - emptySince;
        enough = Math.max(least, (!tight && off > 10) || quiet >= 60 ? 0 : 1);
      }
      if (enough >= have) {
        neededAt = now;
        return {};
      }
      if (now - neededAt < patience) return {};
      return { drain: { count: have - enough, idleSeconds: 0 } };
    },
  };
}
