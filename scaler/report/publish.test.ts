import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PublishedStatus } from '../../cloud/contract/scaler-status.ts';
import type { FleetInstance } from '../../cloud/ec2/instances.ts';
import type { FleetPoint } from '../../cloud/redis/fleet-view.ts';
import { readSettings } from '../../runtime/settings.ts';
import { silent } from '../../test/cloud.fixture.ts';
import type { Action } from '../decide/actions.ts';
import type { Observation } from '../decide/observation.ts';
import { changesOf, publisher } from './publish.ts';
import { type LoopView, Tally } from './view.ts';

const instance = (number: number, state: FleetInstance['state']): FleetInstance => ({
  id: `i-${number}`,
  number,
  state,
  launchedAt: 1000 * number,
});
const view = (
  instances: readonly FleetInstance[] | undefined,
  role: LoopView['role'] = 'leader',
): LoopView => ({
  role,
  now: 9000,
  seen: {
    observation: {
      now: 9000,
      instances,
      leases: new Map(),
      pressure: { count: 2 },
      depth: undefined,
    },
    situation: undefined,
    reasons: [],
  },
  hasRival: false,
  closures: new Map(),
  backoff: undefined,
  tally: new Tally(),
  decisions: [],
});

describe('what a scaler tells', () => {
  const settings = readSettings({ MAX_INSTANCES: 4 }, {});
  const told: (PublishedStatus & FleetPoint)[] = [];
  const store = {
    publish: async (status: PublishedStatus, point: FleetPoint) =>
      void told.push({ ...status, ...point }),
    read: async () => undefined,
    history: async () => [],
  };

  it('is its fleet without those at rest, as EC2 last listed it', () => {
    const publish = publisher(store, settings, silent);
    publish(view([instance(1, 'running'), instance(2, 'stopped'), instance(3, 'pending')]));
    publish(view(undefined));
    const [first, second] = told;
    const names = ['app-tier-instance-1', 'app-tier-instance-3'];
    assert.deepEqual(
      first?.instances.map(({ name }) => name),
      names,
    );
    assert.deepEqual([first?.at, first?.waiting, first?.booting], [9000, 2, 2]);
    assert.equal(first?.demand, 2);
    assert.deepEqual(second?.instances, first?.instances);
    assert.equal(second?.booting, null);
  });

  it('is which instances have reported, until they are started again', () => {
    const publish = publisher(store, settings, silent);
    const spoke = (state: FleetInstance['state'], speaks: boolean) => {
      const seen = view([instance(1, state)]);
      const leases = new Map(speaks ? [['i-1', {} as never]] : []);
      const observation = { ...seen.seen?.observation, leases } as Observation;
      publish({ ...seen, seen: { observation, situation: undefined, reasons: [] } });
      return told.at(-1)?.instances[0]?.spoke;
    };
    assert.deepEqual(
      [
        spoke('running', false),
        spoke('running', true),
        spoke('running', false),
        spoke('stopped', false),
        spoke('pending', false),
        spoke('running', false),
      ],
      [false, true, true, undefined, false, false],
    );
  });

  it('is nothing while another leads', () => {
    const before = told.length;
    publisher(store, settings, silent)(view([], 'standby'));
    assert.equal(told.length, before);
  });

  it('is a line for each reason, however many instances it moved', () => {
    const launch = (number: number): Action => {
      const nonce = String(number);
      const call = { nonce, numbers: [number], place: {} as never };
      return { kind: 'launch', number, nonce, call, cause: 'demand', reason: 'three wait' };
    };
    const on = { number: 9, instanceId: 'i-9', cause: 'spare', reason: 'idle' } as const;
    const actions: Action[] = [
      launch(3),
      launch(1),
      launch(2),
      { kind: 'name', ...on },
      { kind: 'drain', ...on },
      {
        kind: 'forget-pressure',
        olderThanMs: 15_000,
        before: 1,
        cause: 'lost',
        reason: 'the queue is empty',
      },
    ];
    assert.deepEqual(
      changesOf({ at: 7, actions, reasons: [], situation: undefined, refusals: new Map() }),
      [
        { at: 7, what: 'launch app-tier-instances 1-3', reason: 'three wait' },
        { at: 7, what: 'drain app-tier-instance-9', reason: 'idle' },
        { at: 7, what: 'forget requests that are gone', reason: 'the queue is empty' },
      ],
    );
  });
});
