import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { openProjectClaim, type ProjectClaim } from '../../cloud/aws/project-claim.ts';
import { silent, startTestCloud, type TestCloud } from '../../test/cloud.fixture.ts';
import { until } from '../../test/condition.fixture.ts';
import { TestLead } from './lead.fixture.ts';
import type { Lead } from './lead.ts';
import { leadAlone } from './rivals.ts';

describe('scalers of one project with different Redis', { timeout: 60_000 }, () => {
  let cloud: TestCloud;
  let claim: ProjectClaim;
  const open: Lead[] = [];
  before(async () => {
    cloud = await startTestCloud();
    claim = openProjectClaim(cloud.clients.sqs, cloud.names.requestQueue);
  });
  after(() => cloud.close());
  afterEach(async () => {
    for (const lead of open.splice(0)) await lead.stop(false);
    await claim.clear();
  });

  function scaler(group: string, more: { lead?: TestLead; claim?: ProjectClaim } = {}): Lead {
    const { lead = new TestLead() } = more;
    const times = { beatMs: 20, goneMs: 600 };
    const parts = { lead, claim, group: async () => group, log: silent, ...times, ...more };
    const one = leadAlone(parts);
    open.push(one);
    return one;
  }
  const leads = (one: Lead) => until('its lead', () => one.role === 'leader');
  const yields = (one: Lead) => until('it to stand by', () => one.role === 'standby');

  it('lead one at a time: the later one stands by, and takes over when the first is gone', async () => {
    const first = scaler('aa');
    await leads(first);
    const second = scaler('bb');
    await yields(second);
    assert.equal(second.hasRival, true);
    for (let look = 0; look < 40; look++) {
      assert.deepEqual([first.role, second.role], ['leader', 'standby']);
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    const before = second.term;
    await first.stop(false); // As if it was killed: its claim stays.
    assert.equal(second.role, 'standby');
    await leads(second);
    assert.ok(second.term > before, 'what it remembers is stale');
    assert.equal(second.hasRival, false);
  });

  it('need not wait for one that resigns', async () => {
    const first = scaler('aa');
    await leads(first);
    await first.stop(true);
    assert.equal(await claim.read(), undefined);
    await leads(scaler('bb'));
  });

  it('that start at once agree on one', async () => {
    const both = [scaler('aa'), scaler('bb')];
    await until('one of them', () => both.some(({ hasRival }) => hasRival));
    const roles = () => both.map(({ role }) => role).sort();
    for (let look = 0; look < 20; look++) {
      assert.deepEqual(roles(), ['leader', 'standby']);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  });

  it('are none to each other when they share a Redis', async () => {
    const first = scaler('aa');
    await leads(first);
    await first.stop(false);
    const started = performance.now();
    await leads(scaler('aa'));
    assert.ok(performance.now() - started < 500, 'the claim is theirs already');
  });

  it('go on where they may not read the claim', async () => {
    const denied = async () => {
      throw new Error('AccessDenied');
    };
    await leads(scaler('aa', { claim: { ...claim, read: denied } }));
  });

  it('leave it to the leader of their own Redis', async () => {
    const lead = new TestLead();
    lead.given = 'standby';
    const one = scaler('aa', { lead });
    await until('looks', () => lead.looks > 5);
    assert.deepEqual([one.role, await claim.read()], ['standby', undefined]);
    lead.given = 'leader';
    await leads(one);
  });
});
