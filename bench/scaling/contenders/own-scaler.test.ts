import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { FleetInstance } from '../../../cloud/ec2/instances.ts';
import type { LeaseReading } from '../../../cloud/redis/leases.ts';
import { decide } from '../../../scaler/decide/decide.ts';
import { startMemory } from '../../../scaler/decide/memory.ts';
import { applyOutcomes, type Outcome } from '../../../scaler/decide/outcomes.ts';
import { threshold } from '../../../scaler/decide/policies/policies.ts';
import type { ScalingSettings } from '../../../scaler/decide/policies/policy.ts';
import { simulateExactly } from '../simulation/exact.ts';
import { defaultWorld, type Moment, type Scaler, type View } from '../simulation/world.ts';
import { ownScaler } from './own-scaler.ts';

const settings: ScalingSettings = {
  SCALE_POLICY: 'threshold',
  MAX_INSTANCES: 15,
  MIN_INSTANCES: 0,
  SCALE_OUT_THRESHOLD: 0,
  BACKLOG_PER_INSTANCE: 10,
  LATENCY_SECONDS: 60,
  SLACK_SHARE: 0,
  KEEP_SECONDS: 0,
  IDLE_SECONDS: 10,
  BOOT_SECONDS: 300,
  REQUEST_SECONDS: 900,
};

/** The service's own decision, shown each second an EC2 and leases that say what the simulation holds. */
function deciding(): Scaler {
  let memory = startMemory('seed');
  // Instances are only counted here: when some go, all get new ids, lest one inherit another's drain.
  let generation = 0;
  return {
    tick(view: View) {
      const now = view.now * 1000;
      const alive = view.serving + view.booting.length;
      const instances = Array.from({ length: alive }, (_, index): FleetInstance => {
        const booting = index >= view.serving;
        const launchedAt = now - 1000 * (booting ? view.booting[index - view.serving]! : 100);
        return { id: `i-${generation}-${index}`, number: index + 1, state: 'running', launchedAt };
      });
      const longIdle = view.idleFor(settings.IDLE_SECONDS);
      const lease = (index: number): LeaseReading => {
        const busy = index < view.inFlight;
        const forMs = busy || index < view.serving - longIdle ? 0 : settings.IDLE_SECONDS * 1000;
        return {
          state: busy ? 'busy' : 'idle',
          forMs,
          inHand: busy ? 1 : 0,
          finished: 0,
          silentMs: 0,
        };
      };
      const decision = decide(
        {
          now,
          instances,
          leases: new Map(instances.slice(0, view.serving).map(({ id }, at) => [id, lease(at)])),
          pressure: { count: view.visible + view.inFlight },
          depth: { visible: view.visible, inFlight: view.inFlight, delayed: 0 },
        },
        settings,
        memory,
        threshold,
      );
      const launches = decision.actions.filter(({ kind }) => kind === 'launch');
      const drains = decision.actions.filter(({ kind }) => kind === 'drain');
      const outcomes = decision.actions.flatMap((action): Outcome[] =>
        action.kind === 'launch'
          ? [
              {
                kind: 'launched',
                nonce: action.nonce,
                instanceId: `i-${generation}-${action.number - 1}`,
              },
            ]
          : [],
      );
      if (drains.length > 0) generation += 1;
      memory = applyOutcomes(decision.memory, outcomes, now);
      return {
        launch: launches.length,
        drain: { count: drains.length, idleSeconds: settings.IDLE_SECONDS },
      };
    },
  };
}

describe('the simulator and the service', () => {
  for (const count of [1, 10, 100, 1000]) {
    it(`take a burst of ${count} to the same fleet at every second`, () => {
      const arrivals = new Float64Array(count).fill(30.5);
      const world = { ...defaultWorld, maxInstances: 15, horizon: 300, seed: 9 };
      const curves = [ownScaler(threshold, settings), deciding()].map((scaler) => {
        const curve: Moment[] = [];
        simulateExactly(arrivals, scaler, world, (moment) => curve.push(moment));
        return curve;
      });
      assert.equal(Math.max(...curves[0]!.map(({ alive }) => alive)), Math.min(15, count));
      assert.equal(curves[0]!.at(-1)!.alive, 0);
      assert.deepEqual(curves[0], curves[1]);
    });
  }
});
