import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { openLeases } from '../cloud/redis/leases.ts';
import type { GalleryStore } from '../people/store.ts';
import { until } from '../test/condition.fixture.ts';
import { enrol, openTestGallery } from './gallery/gallery.fixture.ts';
import { inMemoryOf } from './gallery/process-memory.fixture.ts';
import { environmentOf, spawnWorker, type WorkerProcess } from './start.fixture.ts';
import { type Bench, openBench } from './worker.fixture.ts';

const isLinux = process.platform === 'linux';

describe('when a person is forgotten', {
  timeout: 120_000,
  skip: !isLinux && 'reads /proc',
}, () => {
  let bench: Bench;
  let gallery: GalleryStore;
  let cache: string;
  let worker: WorkerProcess;
  before(async () => {
    bench = await openBench();
    cache = mkdtempSync(join(tmpdir(), 'elastic-face-cache-'));
    gallery = openTestGallery(bench);
    const environment = { ...environmentOf(bench), XDG_CACHE_HOME: cache, LEAST_AGE_MS: '1' };
    worker = spawnWorker(environment);
  });
  after(async () => {
    worker.child.kill('SIGTERM');
    assert.equal(await worker.exit, 0, worker.said());
    await gallery.close();
    await bench.close();
    rmSync(cache, { recursive: true });
  });
  const inferencePid = (): number =>
    Number.parseInt(
      readFileSync(join(bench.folder, 'started'), 'utf8').trim().split('\n').at(-1) ?? '',
      10,
    );

  it('name and embedding leave the memory of worker and inference, and all photos are answered', async () => {
    const pid = worker.child.pid!;
    const name = `Forgotten ${randomUUID()}`;
    const embedding = [Math.PI, Math.E, Math.SQRT2, Math.LN10];
    const { person, version } = await enrol(gallery, name, embedding);
    // Near it: the question itself must not be what is found in memory.
    const near = embedding.map((value) => value + 1e-3);
    const post = (file: string, least: number) =>
      bench.send(file, `who ${near}`, { gallery: least });
    for (let at = 0; at < 10; at++) {
      const outcome = await bench.reply(await post(`known_${at}.jpg`, version));
      assert.equal('match' in outcome && outcome.match.name, name);
    }
    const earlier = inferencePid();
    assert.ok(inMemoryOf(pid, Buffer.from(name)) > 0, 'it can be seen');

    const erased = await gallery.erase([person.id]);
    const posted = await Promise.all(
      Array.from({ length: 10 }, (_, at) => post(`stranger_${at}.jpg`, erased.version)),
    );
    for (const sent of posted) {
      const outcome = await bench.reply(sent);
      assert.equal('match' in outcome && outcome.match.name, 'nobody');
    }
    await until('another inference process', () => inferencePid() !== earlier);
    const leases = openLeases(bench.redis, bench.cloud.names.keys);
    await until('the worker to be ready again', async () => {
      const [lease] = (await leases.read([String(worker.child.pid)])).values();
      return lease === undefined || lease.state === 'idle';
    });
    assert.equal(worker.child.exitCode, null);
    for (const needle of [Buffer.from(name), Buffer.from(Float32Array.from(embedding).buffer)]) {
      for (const each of [pid, inferencePid()]) {
        await until(`no trace in process ${each}`, () => inMemoryOf(each, needle) === 0);
      }
    }
    await bench.atRest();
  });
});
