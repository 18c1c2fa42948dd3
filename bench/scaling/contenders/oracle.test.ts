import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compare, draw } from '../compare.ts';
import { findWorkload } from '../workloads.ts';
import { contenders } from './contenders.ts';
import { bound, boundUnforeseen, evenFleet } from './oracle.ts';

describe('the even plan', () => {
  it('spreads a burst over the slack', () => {
    const work = new Float64Array(200);
    work[20] = 102;
    const fleet = evenFleet(work, 50);
    assert.deepEqual([...new Set(fleet)].sort(), [0, 2]);
    assert.equal(fleet.indexOf(2), 20);
    // Its own second, and the slack.
    assert.equal(fleet.lastIndexOf(2), 70);
  });

  it('never serves what has not come, nor leaves anything longer than the slack', () => {
    const work = Float64Array.from({ length: 500 }, (_, at) => (at * 7919) % 13 ** (at % 4));
    for (const slack of [1, 7, 60]) {
      const fleet = evenFleet(work, slack);
      const [came, served] = [[0], [0]];
      for (const one of work) came.push(came.at(-1)! + one);
      for (const one of fleet) served.push(served.at(-1)! + one);
      for (let at = 0; at <= work.length; at++) {
        assert.ok(served[at]! <= came[at]! + 1e-6, `ahead of what came at ${at}`);
        assert.ok(served[at]! >= (came[at - slack] ?? 0) - 1e-6, `later than ${slack} s at ${at}`);
      }
      assert.ok(Math.abs(served.at(-1)! - came.at(-1)!) < 1e-6);
    }
  });

  it('has no higher peak than the densest stretch needs', () => {
    const work = new Float64Array(300).fill(0.5);
    work.fill(4, 100, 110);
    const peak = evenFleet(work, 20).reduce((a, b) => Math.max(a, b));
    // 40 s of work in 10 s, and 0.5 a second that come meanwhile, within 30 s.
    assert.ok(peak <= (40 + 20 * 0.5) / 30 + 1e-9, String(peak));
  });
});

describe('the bound', () => {
  it('is below whatever anyone did', () => {
    for (const name of ['burst-100', 'poisson-0.1']) {
      const drawn = draw({ ...findWorkload(name), draws: 1 });
      const { load, world } = drawn.draws[0]!;
      for (const contender of contenders) {
        const unforeseen = (p95: number) =>
          contender.family === 'oracle' ? 0 : (boundUnforeseen(load, world, p95) ?? 0);
        const { cost, p95, settings } = compare(drawn, contender);
        if (!Number.isFinite(p95)) continue;
        // Service times of one draw are a little off their mean.
        assert.ok(cost >= 0.9 * bound(load, world, p95), `${settings} beats the bound on ${name}`);
        assert.ok(cost >= 0.9 * unforeseen(p95), `${settings} beats what is possible on ${name}`);
      }
    }
  });
});
