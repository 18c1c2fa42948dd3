/**
 * EC2 Auto Scaling with step scaling on the visible messages (EC2 Auto Scaling User Guide: "Step and simple
 * scaling policies"). Steps of exact capacity that double: one instance from the first message on, two
 * from `perInstance`, four from twice that, and so on; one period of a minute is enough to step out, and
 * steps out only go up. Back to `least` when nothing is visible for `quietMinutes` in a row, and no instance
 * warms up. An instance chosen to go ends its request first, as with target tracking.
 */
import type { Scaler } from '../world.ts';
import { Alarm, PERIOD_SECONDS } from './cloudwatch.ts';

export interface StepScalingSettings {
  readonly perInstance: number;
  readonly quietMinutes: number;
  readonly least: number;
}

export function stepScaling(
  { perInstance, quietMinutes, least }: StepScalingSettings,
  most: number,
): Scaler {
  const quiet = new Alarm(quietMinutes, (visible) => visible === 0);
  let capacity = least;
  return {
    tick({ now, visible, serving, booting }) {
      if (now % PERIOD_SECONDS === 0) {
        const steps = Math.max(0, Math.floor(Math.log2(visible / perInstance)) + 1);
        const wanted = visible === 0 ? 0 : 2 ** steps;
        capacity = Math.min(most, Math.max(capacity, wanted));
        if (quiet.put(visible) && booting.length === 0) capacity = least;
      }
      const difference = capacity - serving - booting.length;
      return difference > 0 ? { launch: difference } : { remove: -difference };
    },
  };
}
