/**
 * The project's own scaler in the simulator: the policies of scaler/ on measured figures, with the rules by
 * which `decide` turns a wish into launches and drains. A test compares the two.
 */
import {
  addArrivals,
  addBoots,
  addService,
  estimatesOf,
  type Measures,
  startMeasures,
} from '../../../scaler/decide/measure.ts';
import {
  fleetOf,
  type Policy,
  type ScalingSettings,
  wishOf,
} from '../../../scaler/decide/policies/policy.ts';
import { meanBoot, type Scaler, type View, type World } from '../simulation/world.ts';

/** @param world what a scaler that has run for a while has measured; `threshold` and `backlog` need none */
export function ownScaler(
  policy: Policy,
  settings: ScalingSettings,
  world?: Pick<World, 'service' | 'boot'>,
): Scaler {
  let measures: Measures = world
    ? startMeasures({ serviceSeconds: world.service.mean, bootSeconds: meanBoot(world) })
    : startMeasures();
  let emptySince: number | undefined;
  let spareSince: number | undefined;
  return {
    tick(view: View) {
      const { now, visible, inFlight, serving, booting, booted } = view;
      measures = addArrivals(measures, view.arrived, 1);
      measures = addService(measures, Math.min(inFlight, serving), view.finished);
      measures = addBoots(measures, view.bootedSeconds / Math.max(1, booted), booted);
      const known = visible + inFlight;
      emptySince = known === 0 ? (emptySince ?? now) : undefined;
      const situation = {
        now: now * 1000,
        demand: { known, certain: true },
        visible,
        inFlight,
        oldestSeconds: view.oldest,
        emptySeconds: emptySince === undefined ? undefined : now - emptySince,
        serving,
        booting,
        ...estimatesOf(measures),
      };
      const wish = wishOf(policy, situation, settings);
      spareSince = wish.kind === 'shrink' ? (spareSince ?? now) : undefined;
      const have = fleetOf(situation);
      if (wish.kind === 'grow') return { launch: Math.max(0, wish.to - have) };
      if (wish.kind === 'hold') return {};
      if (now - (spareSince ?? now) < (wish.keepSeconds ?? 0)) return {};
      const spare = Math.max(0, have - wish.to);
      const { idleSeconds, young } = wish;
      return { drain: { count: spare, idleSeconds, ...(young ? { young } : {}) } };
    },
  };
}
