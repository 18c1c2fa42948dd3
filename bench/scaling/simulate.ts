/** Runs a load in the mode that fits it. */
import { simulateCohorts } from './cohorts.ts';
import { simulateExactly } from './exact.ts';
import type { Load, Moment, Outcome, Scaler, World } from './world.ts';

export function simulate(
  load: Load,
  scaler: Scaler,
  world: World,
  observe?: (moment: Moment) => void,
): Outcome {
  return load.kind === 'requests'
    ? simulateExactly(load.arrivals, scaler, world, observe)
    : simulateCohorts(load.perSecond, scaler, world, observe);
}
