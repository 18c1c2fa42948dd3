/**
 * EC2 Auto Scaling with target tracking on the backlog per instance, as AWS documents it for queues
 * (EC2 Auto Scaling User Guide: "Scaling policy based on Amazon SQS", "Target tracking scaling policies").
 *
 * - The metric is visible messages / instances in service, once a minute.
 * - Out when 3 of 3 minutes are above the target, in when 15 of 15 are below 90 % of it: the alarms that
 *   Auto Scaling makes for such a policy. Capacity becomes ⌈capacity × metric / target⌉.
 * - No scale-in while an instance warms up; capacity that warms up is not asked for twice.
 * - With no instance in service the metric has no value, and 0 × anything is 0: such a group never leaves
 *   zero by itself. People keep one instance (`least` 1), or add a step policy that wakes it from zero when
 *   a message is visible in one period (`least` 0, modelled so).
 *
 * Assumed in its favour: in goes the whole proportion at once (AWS says "more gradually"), and an
 * instance chosen to go ends its request first (a lifecycle hook; without one it is cut off).
 */
import type { Scaler } from '../world.ts';
import { Alarm, PERIOD_SECONDS } from './cloudwatch.ts';

export interface TargetTrackingSettings {
  /** Messages an instance. */
  readonly target: number;
  /** Minimum capacity. */
  readonly least: number;
}

const OUT_PERIODS = 3;
const IN_PERIODS = 15;
const IN_BELOW = 0.9;

export function targetTracking({ target, least }: TargetTrackingSettings, most: number): Scaler {
  const out = new Alarm(OUT_PERIODS, (value) => value > target);
  const into = new Alarm(IN_PERIODS, (value) => value < IN_BELOW * target);
  let capacity = least;
  return {
    tick({ now, visible, serving, booting }) {
      if (now % PERIOD_SECONDS === 0) {
        if (capacity === 0) {
          if (visible > 0) capacity = 1;
        } else if (serving > 0) {
          const metric = visible / serving;
          const proportional = Math.ceil((serving * metric) / target);
          const [above, below] = [out.put(metric), into.put(metric)];
          if (above) capacity = Math.min(most, Math.max(capacity, proportional));
          else if (below && booting.length === 0)
            capacity = Math.max(least, Math.min(capacity, proportional));
        }
      }
      const difference = capacity - serving - booting.length;
      return difference > 0 ? { launch: difference } : { remove: -difference };
    },
  };
}
