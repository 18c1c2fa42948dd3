/**
 * The scaler's loop on the real local EC2, SQS and Redis, with instances of which a test says what they
 * do: each keeps its lease as a worker would. Calls to EC2 are counted.
 */

import { provision } from '../cloud/aws/provision.ts';
import { openQueue, type Queue } from '../cloud/aws/sqs/queues.ts';
import { cloudNames, instanceName, PROJECT_TAG } from '../cloud/contract/names.ts';
import { type Fleet, type FleetInstance, openFleet } from '../cloud/ec2/instances.ts';
import { connectRedis } from '../cloud/redis/connection.ts';
import { openLeadership } from '../cloud/redis/leader.ts';
import { type Lease, type Leases, openLeases } from '../cloud/redis/leases.ts';
import { openPressure, type Pressure } from '../cloud/redis/pressure.ts';
import { startTestCloud, temporaryFolder } from '../local/cloud.fixture.ts';
import type { ImitationSettings } from '../local/ec2/fleet/imitation.ts';
import { LOCAL_IMAGE_ID } from '../local/ec2/lists/offers.ts';
import { startRedis } from '../local/redis.ts';
import { readSettings } from '../runtime/settings.ts';
import type { Action } from '../scaler/decide/actions.ts';
import { placesOf } from '../scaler/decide/placements.ts';
import { keepLead } from '../scaler/loop/lead.ts';
import { type ScalerLoop, startLoop } from '../scaler/loop/loop.ts';
import { countOld, silent } from './cloud.fixture.ts';
import { until } from './condition.fixture.ts';

const TICK_MS = 20;
const HEARTBEAT_MS = 50;

/** What an instance does; the test may change it at any time. */
export interface Behaviour {
  /** Nothing is heard of it. */
  silent: boolean;
  state: 'idle' | 'busy';
  /** It ends by itself as soon as it is up, before it says a word. */
  dies?: boolean;
}

export interface Stage {
  readonly fleet: Fleet;
  readonly leases: Leases;
  readonly pressure: Pressure;
  readonly requests: Queue;
  readonly loop: ScalerLoop;
  /** By EC2 action. */
  readonly calls: ReadonlyMap<string, number>;
  /** By instance id; those without do as `newborn` says. */
  readonly behaviours: Map<string, Behaviour>;
  readonly newborn: Behaviour;
  /** Decides which calls EC2 refuses; none unless the test sets it. */
  refuse: (action: string, input: object) => Error | undefined;
  /** Lists an instance that EC2 neither stops nor terminates. @returns its id */
  addLocked(number: number): string;
  /** How often the scaler has looked at its clock: at least once a tick. */
  readonly ticks: number;
  /** Moves the scaler's clock on. */
  leap(ms: number): void;
  /** Waits until the scaler has ticked some times more. */
  moreTicks(): Promise<unknown>;
  up(): Promise<FleetInstance[]>;
  /** Waits until that many instances are up. */
  upTo(count: number): Promise<unknown>;
  /** Whether the scaler has decided on such an action for such a reason. */
  decided(kind: Action['kind'], reason: RegExp): boolean;
  flush(): Promise<void>;
  /** Counts requests as pressure that came so many ms ago. */
  countOld(ids: readonly string[], ageMs: number): Promise<void>;
  close(): Promise<void>;
}

/** @param waiting requests that are there before the scaler is */
export async function openStage(
  given: Record<string, unknown>,
  imitation: ImitationSettings = {},
  waiting = 0,
): Promise<Stage> {
  const folder = temporaryFolder();
  const behaviours = new Map<string, Behaviour>();
  const newborn: Behaviour = { silent: false, state: 'idle' };
  const server = await startRedis({ folder: folder.path, logFile: '', searchPath: '' });
  const redis = connectRedis(server.url, 'test', silent);
  const settings = readSettings({ PROJECT_ID: 'stage', ...given }, {});
  const names = cloudNames(settings.PROJECT_ID, settings.BUCKET_SUFFIX);
  const leases = openLeases(redis, names.keys);
  const { cloud, clients, stop } = await startTestCloud(folder.path, {
    imitation,
    instanceLimit: 2 * settings.MAX_INSTANCES,
    launcher: () => async (instance) => {
      const { promise: gone, resolve } = Promise.withResolvers<string>();
      if (newborn.dies) setTimeout(() => resolve('its worker failed'), HEARTBEAT_MS);
      if (newborn.dies) return { gone, stop: () => resolve('stopped') };
      const end = worker(leases, instance.id, () => behaviours.get(instance.id) ?? newborn);
      return {
        gone,
        stop() {
          end();
          resolve('stopped');
        },
      };
    },
  });
  await provision(clients, settings);
  const calls = new Map<string, number>();
  clients.ec2.middlewareStack.add(
    (next, context) => (args) => {
      const name = String(context.commandName).replace(/Command$/, '');
      calls.set(name, (calls.get(name) ?? 0) + 1);
      const refusal = stage.refuse(name, args.input);
      if (refusal) throw refusal;
      return next(args);
    },
    { step: 'initialize' },
  );
  const fleet = openFleet(clients.ec2, {
    projectId: settings.PROJECT_ID,
    imageId: LOCAL_IMAGE_ID,
    userData: {},
  });
  const pressure = openPressure(redis, names.keys, 60_000);
  const requests = await openQueue(clients.sqs, names.requestQueue);
  for (let i = 0; i < waiting; i++) await requests.send(String(i));
  let leapMs = 0;
  let ticks = 0;
  const loop = startLoop({
    projectId: settings.PROJECT_ID,
    settings: { ...settings, places: placesOf(settings) },
    fleet,
    leases,
    pressure,
    requests,
    lead: keepLead(openLeadership(redis, names.keys, 'one'), { log: silent }),
    log: silent,
    tickMs: TICK_MS,
    now() {
      ticks += 1;
      return Date.now() + leapMs;
    },
    random: () => 0,
  });
  const stage: Stage = {
    refuse: () => undefined,
    addLocked: (number) =>
      cloud.addExternalInstance(instanceName(number), { [PROJECT_TAG]: settings.PROJECT_ID }),
    fleet,
    leases,
    pressure,
    requests,
    loop,
    calls,
    behaviours,
    newborn,
    get ticks() {
      return ticks;
    },
    leap(ms) {
      leapMs += ms;
    },
    moreTicks() {
      const from = ticks;
      return until('more ticks', () => ticks > from + 10);
    },
    upTo: (count) => until(`${count} instances`, async () => (await stage.up()).length === count),
    decided: (kind, reason) =>
      loop.decisions.some(({ actions }) =>
        actions.some((action) => action.kind === kind && reason.test(action.reason)),
      ),
    up: async () =>
      (await fleet.list()).filter(({ state }) => state === 'pending' || state === 'running'),
    countOld: (ids, ageMs) => countOld(redis, names.keys, ids, ageMs),
    async flush() {
      await redis.flushall();
    },
    async close() {
      await loop.stop();
      await stop();
      redis.disconnect();
      await server.stop();
      folder.remove();
    },
  };
  return stage;
}

/** Keeps the lease of an instance until it is stopped; drains when asked, if it is not busy. */
function worker(leases: Leases, id: string, behaviour: () => Behaviour): () => void {
  const since = performance.now();
  let asked = false;
  const renew = async (): Promise<void> => {
    const { silent: quiet, state } = behaviour();
    if (quiet) return;
    const inHand = state === 'busy' ? 1 : 0;
    const now: Lease['state'] = asked ? (inHand > 0 ? 'draining' : 'drained') : state;
    const lease = { state: now, forMs: performance.now() - since, inHand, finished: 0 };
    if (await leases.renew(id, lease).catch(() => false)) asked = true;
  };
  const timer = setInterval(() => void renew(), HEARTBEAT_MS);
  return () => clearInterval(timer);
}
