/**
 * The project's own scaler in the simulator: the very policies of scaler/, with the rules by which
 * `decide` turns a wish into launches and drains. A test holds the two against each other.
 */
import { startMemory } from '../../scaler/memory.ts';
import type { Policy, ScalingSettings } from '../../scaler/policy.ts';
import type { Scaler, View } from './world.ts';

export function ours(policy: Policy, settings: ScalingSettings): Scaler {
  const memory = startMemory('bench');
  return {
    tick(view: View) {
      const count = view.visible + view.inFlight;
      const wish = policy(
        {
          now: view.now * 1000,
          instances: [],
          leases: new Map(),
          pressure: { count },
          depth: { visible: view.visible, inFlight: view.inFlight, delayed: 0 },
        },
        settings,
        memory,
      );
      const have = view.serving + view.booting.length;
      if (wish.kind === 'grow') return { launch: Math.max(0, wish.to - have) };
      if (wish.kind === 'hold') return {};
      const spare = Math.max(0, have - wish.to);
      return { drain: { count: spare, idleSeconds: settings.IDLE_SECONDS } };
    },
  };
}
