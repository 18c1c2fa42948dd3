import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { XMLValidator } from 'fast-xml-parser';
import { compare, draw, type Result } from './compare.ts';
import { contenders } from './contenders/contenders.ts';
import { cheapestAsFast, frontier, unbeaten } from './figures.ts';
import { benchScaling } from './scaling.ts';
import { billedSeconds, Latencies } from './simulation/world.ts';
import { findWorkload } from './workloads.ts';

describe('the benchmark of scaling', () => {
  it('writes its report, its pictures and its part of the documentation', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'bench-'));
    t.after(() => rm(folder, { recursive: true, force: true }));
    const docs = join(folder, 'page.md');
    await writeFile(docs, 'Before\n<!-- figures -->\nstale words\n<!-- /figures -->\nAfter\n');
    const words = await benchScaling(
      { workloads: ['burst-10'], dollarsPerHour: 1, pictures: folder, docs, json: false },
      () => {},
    );
    assert.match(words, /\| threshold \| the course \(default\) \|/);
    const page = await readFile(docs, 'utf8');
    assert.ok(page.startsWith('Before\n') && page.endsWith('After\n') && page.includes(words));
    assert.ok(!page.includes('stale words'));
    const pictures = (await readdir(folder)).filter((name) => name.endsWith('.svg'));
    assert.deepEqual(pictures, ['frontier-burst-10.svg']);
    const svg = await readFile(join(folder, pictures[0]!), 'utf8');
    assert.equal(XMLValidator.validate(svg), true);
    assert.ok(!svg.includes('NaN'));
  });

  it('gives every contender of a workload as JSON, the same each time', async () => {
    const options = { workloads: ['burst-10'], dollarsPerHour: 1, json: true };
    const [one, two] = [
      await benchScaling(options, () => {}),
      await benchScaling(options, () => {}),
    ];
    assert.equal(one, two);
    const results: Result[] = JSON.parse(one);
    assert.equal(results.length, contenders.length);
    assert.ok(results.every(({ requests }) => requests === 100));
  });

  it('says which workloads there are when asked for another', async () => {
    const options = { workloads: ['tsunami'], dollarsPerHour: 1, json: false };
    await assert.rejects(
      benchScaling(options, () => {}),
      /no workload "tsunami".*burst-10/,
    );
  });

  it('takes a day of a million requests a minute and thousands of instances within a minute', () => {
    const begun = performance.now();
    const drawn = draw(findWorkload('huge-day'));
    const course = contenders.find(({ family }) => family === 'threshold')!;
    const result = compare(drawn, course);
    assert.ok(performance.now() - begun < 60_000);
    assert.ok(result.requests > 700e6);
    assert.equal(result.unserved, 0);
    assert.ok(result.mostAlive > 8000 && result.mostAlive <= 10_000, String(result.mostAlive));
    // Everything that was worked was paid for.
    assert.ok(result.cost > result.requests * 0.5);
  });
});

describe('a frontier', () => {
  const point = (p95: number, cost: number) => ({ p95, cost });

  it('keeps what nothing beats in both', () => {
    const points = [point(10, 5), point(20, 5), point(5, 9), point(30, 1), point(6, 10)];
    assert.deepEqual(frontier(points), [point(5, 9), point(10, 5), point(30, 1)]);
  });

  it('is reached by who is as fast for as little, within the tolerance', () => {
    const theirs = [point(10, 100), point(50, 20)];
    assert.deepEqual(unbeaten([point(10.1, 101), point(40, 20)], theirs), []);
    assert.deepEqual(unbeaten([point(10.1, 103), point(52, 10)], theirs), theirs);
    assert.equal(cheapestAsFast(theirs, 9), undefined);
  });
});

describe('latencies', () => {
  it('have percentiles within one percent above the true ones, by weight', () => {
    const latencies = new Latencies();
    for (let one = 1; one <= 1000; one++) latencies.add(one / 10);
    for (const percent of [1, 50, 95, 99]) {
      const got = latencies.percentile(percent);
      assert.ok(got >= percent - 1e-6 && got <= percent * 1.0101, `${percent}: ${got}`);
    }
    assert.equal(latencies.percentile(100), 100);
    latencies.add(500, 9000);
    assert.equal(latencies.percentile(50), 500);
  });
});

describe('the bill', () => {
  it('is by the second, and a minute at least', () => {
    assert.deepEqual([1, 60, 60.2, 3600].map(billedSeconds), [60, 60, 61, 3600]);
  });
});
