import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { openProjectClaim, type ProjectClaim } from '../../cloud/aws/project-claim.ts';
import { silent, startTestCloud, type TestCloud } from '../../test/cloud.fixture.ts';
import { until } from '../../test/condition.fixture.ts';
import { TestLead } from './lead.fixture.ts';
import type { Lead } from './lead.ts';
import { leadAlone } from './rivals.ts';

/** Without a renewal for this long, the claim is free. */
const GONE_MS = 600;

describe('scalers of one project with different Redis', { timeout: 60_000 }, () => {
  let cloud: TestCloud;
  let claim: ProjectClaim;
  const open: Lead[] = [];
  /** How often the scalers of each group have read the claim. */
  const looks = new Map<string, number>();
  /** The clock of all scalers, in ms, which goes on only when a test says so. */
  let clock = 0;
  before(async () => {
    cloud = await startTestCloud();
    claim = openProjectClaim(cloud.clients.sqs, cloud.names.requestQueue);
  });
  after(() => cloud.close());
  afterEach(async () => {
    for (const lead of open.splice(0)) await lead.stop(false);
    await claim.clear();
  });

  function scaler(
    group: string,
    more: { lead?: TestLead; read?: ProjectClaim['read'] } = {},
  ): Lead {
    const { lead = new TestLead(), read = claim.read } = more;
    const counted: ProjectClaim = {
      ...claim,
      read: () => read().finally(() => looks.set(group, looksOf(group) + 1)),
    };
    const times = { beatMs: 20, goneMs: GONE_MS, now: () => clock };
    const one = leadAlone({
      lead,
      claim: counted,
      group: async () => group,
      log: silent,
      ...times,
    });
    open.push(one);
    return one;
  }
  const looksOf = (group: string) => looks.get(group) ?? 0;
  /** Waits until the group has read the claim, from beginning to end, that often. */
  const looked = (group: string, times: number) => {
    const from = looksOf(group);
    // The first may have begun before.
    return until(`${times} looks of ${group}`, () => looksOf(group) > from + times);
  };
  const renewed = async () => {
    const { beat } = (await claim.read())!;
    await until('a renewal', async () => (await claim.read())!.beat > beat);
  };
  const leads = (one: Lead) => until('its lead', () => one.role === 'leader');
  const yields = (one: Lead) => until('it to stand by', () => one.role === 'standby');

  it('lead one at a time: the later one stands by, and takes over when the first is gone', async () => {
    const first = scaler('aa');
    await leads(first);
    const second = scaler('bb');
    await yields(second);
    assert.equal(second.hasRival, true);
    for (let waited = 0; waited < 2 * GONE_MS; waited += GONE_MS / 4) {
      await renewed();
      await looked('bb', 1);
      clock += GONE_MS / 4;
      assert.deepEqual([first.role, second.role], ['leader', 'standby']);
    }
    const before = second.term;
    await first.stop(false); // As if it was killed: its claim stays.
    await looked('bb', 2);
    assert.equal(second.role, 'standby');
    clock += GONE_MS;
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
    for (let look = 0; look < 10; look++) {
      await Promise.all([looked('aa', 1), looked('bb', 1)]);
      assert.deepEqual(roles(), ['leader', 'standby']);
    }
  });

  it('are none to each other when they share a Redis', async () => {
    const first = scaler('aa');
    await leads(first);
    await first.stop(false);
    // The clock stands still: the claim is theirs already.
    await leads(scaler('aa'));
  });

  it('go on where they may not read the claim', async () => {
    const denied = async () => {
      throw new Error('AccessDenied');
    };
    await leads(scaler('aa', { read: denied }));
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
