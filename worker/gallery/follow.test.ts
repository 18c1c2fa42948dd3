import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { openLeases } from '../../cloud/redis/leases.ts';
import { peopleKeys } from '../../people/head.ts';
import { encodeSegment, refOf } from '../../people/segment.ts';
import type { GalleryStore } from '../../people/store.ts';
import { silent } from '../../test/cloud.fixture.ts';
import { until } from '../../test/condition.fixture.ts';
import { startWorker, type WorkerService } from '../service.ts';
import { type Bench, openBench, startDouble } from '../worker.fixture.ts';
import { ENCODER, enrol, openTestGallery, peopleObjects } from './gallery.fixture.ts';
import { inMemoryOf } from './process-memory.fixture.ts';

const POLL_MS = 150;

describe('a worker follows the live gallery', { timeout: 120_000 }, () => {
  let bench: Bench;
  let gallery: GalleryStore;
  let folder: string;
  let worker: WorkerService;
  const start = (instanceId: string): Promise<WorkerService> =>
    startWorker({
      settings: bench.cloud.settings,
      instanceId,
      log: silent,
      inference: startDouble(bench.cloud.settings),
      gallery: { folder, pollMs: POLL_MS, unreferencedMs: 500 },
    });
  before(async () => {
    bench = await openBench();
    folder = mkdtempSync(join(tmpdir(), 'elastic-face-gallery-'));
    gallery = openTestGallery(bench);
    worker = await start('i-0');
  });
  after(async () => {
    await worker.stop();
    await gallery.close();
    await bench.close();
    rmSync(folder, { recursive: true });
  });

  let sent = 0;
  /** Who a photo with that embedding is, and the version that says so. */
  const who = async (embedding: readonly number[], least?: number) => {
    sent += 1;
    const asked = await bench.send(`who_${sent}.jpg`, `who ${embedding}`, { gallery: least });
    const outcome = await bench.reply(asked);
    assert.ok('match' in outcome, JSON.stringify(outcome));
    const { name, person, gallery: version } = outcome.match;
    return { name, person, version };
  };
  const lease = async () => {
    const leases = openLeases(bench.redis, bench.cloud.names.keys);
    return (await leases.read(['i-0'])).get('i-0');
  };
  const pids = (): number[] =>
    readFileSync(join(bench.folder, 'started'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => Number.parseInt(line, 10));

  it('without one it searches the model’s own, which is version 0', async () => {
    assert.deepEqual(await who([1, 0, 0, 0]), { name: 'nobody', person: undefined, version: 0 });
  });

  it('a person is known to every request that needs the version of the enrolment', async () => {
    for (let at = 0; at < 20; at++) {
      const embedding = [at, 1, 0, 0];
      const { person, version } = await enrol(gallery, `Person ${at}`, embedding);
      const told = await who(embedding, version);
      assert.deepEqual([told.name, told.person], [person.name, person.id]);
      assert.ok((told.version ?? 0) >= version);
    }
  });

  it('says in its lease which version it searches', async () => {
    const { version } = await enrol(gallery, 'Leased', [0, 9, 9, 0]);
    await until('the lease to say so', async () => (await lease())?.gallery === version);
  });

  it('a process that ends while it swaps comes back with the gallery from before, then swaps', async () => {
    const { version: old } = await enrol(gallery, 'Before', [50, 0, 0, 0]);
    await who([50, 0, 0, 0], old);
    const processes = pids().length;
    writeFileSync(join(bench.folder, 'kill-at-swap'), '');
    const { version } = await enrol(gallery, 'After', [60, 0, 0, 0]);
    const [told, before] = await Promise.all([who([60, 0, 0, 0], version), who([50, 0, 0, 0])]);
    assert.deepEqual([told.name, before.name], ['After', 'Before']);
    assert.ok(pids().length > processes);
    await until('the swap', async () => (await lease())?.gallery === version);
    assert.equal((await who([60, 0, 0, 0])).name, 'After');
    assert.equal((await lease())?.galleryTrouble, undefined);
  });

  it('a process that is killed at work has the gallery again before its next photo', async () => {
    const { version } = await enrol(gallery, 'Kept', [70, 0, 0, 0]);
    await who([70, 0, 0, 0], version);
    process.kill(pids().at(-1) as number, 'SIGKILL');
    assert.deepEqual((await who([70, 0, 0, 0])).name, 'Kept');
  });

  for (const [what, spoil, says] of [
    ['a torn segment', (bytes: Buffer) => bytes.subarray(0, bytes.length - 4), /torn or forged/],
    [
      'a forged segment',
      (bytes: Buffer) => Buffer.from(bytes).fill(1, bytes.length - 16),
      /torn or forged/,
    ],
  ] as const) {
    it(`${what} keeps the gallery from before, and is reported until it is mended`, async () => {
      const { version: old } = await enrol(gallery, `Kept at ${what}`, [80, what.length, 0, 0]);
      await who([80, what.length, 0, 0], old);
      const objects = peopleObjects(bench);
      const head = await objects.head();
      const people = [{ id: randomUUID(), name: what }];
      const id = randomUUID();
      const faces = [
        {
          id: randomUUID(),
          person: people[0]!.id,
          embedding: Float32Array.of(90, what.length, 0, 0),
        },
      ];
      const whole = encodeSegment(people, faces, ENCODER, 4);
      const ref = refOf(id, whole, { people: 1, faces: 1, length: 4 });
      await objects.put(ref.key, spoil(whole));
      const newer = { ...head, version: head.version + 1, segments: [...head.segments, ref] };
      await objects.put(peopleKeys.head, JSON.stringify(newer));
      await until('the report', async () => says.test((await lease())?.galleryTrouble ?? ''));
      assert.deepEqual(
        [(await who([80, what.length, 0, 0], newer.version)).name, (await lease())?.gallery],
        [`Kept at ${what}`, old],
      );
      await objects.put(ref.key, whole);
      await until('the new one', async () => (await lease())?.gallery === newer.version);
      assert.equal((await lease())?.galleryTrouble, undefined);
      assert.equal((await who([90, what.length, 0, 0])).name, what);
    });
  }

  for (const [what, change, says] of [
    ['of another encoder', { encoder: 'other' }, /other embeddings of 4 numbers/],
    ['that is not understood', { format: 99 }, /not one that this version can read/],
    ['that goes back to an earlier version', { version: 1 }, /went back to version 1/],
  ] as const) {
    it(`a head ${what} keeps the gallery from before, and is reported`, async () => {
      const objects = peopleObjects(bench);
      const head = await objects.head();
      await until('the newest one', async () => (await lease())?.gallery === head.version);
      await objects.put(
        peopleKeys.head,
        JSON.stringify({ ...head, version: head.version + 1, ...change }),
      );
      await until('the report', async () => says.test((await lease())?.galleryTrouble ?? ''));
      assert.equal((await who([80, 0, 0, 0])).version, head.version);
      await objects.put(peopleKeys.head, JSON.stringify({ ...head, version: head.version + 1 }));
      await until('the end of the trouble', async () => {
        const now = await lease();
        return now?.gallery === head.version + 1 && now.galleryTrouble === undefined;
      });
    });
  }

  it('a second worker of the machine uses the files of the first', async () => {
    const { version } = await enrol(gallery, 'Shared', [100, 0, 0, 0]);
    await who([100, 0, 0, 0], version);
    const times = () => readdirSync(folder).sort();
    const files = times();
    assert.equal(files.length > 0 && files.every((name) => /^[0-9a-f]{64}\.bin$/.test(name)), true);
    // What it would have to download is not there any more.
    const objects = peopleObjects(bench);
    const { segments } = await objects.head();
    const kept = await Promise.all(
      segments.map(async ({ key }) => [key, await objects.get(key)] as const),
    );
    for (const [key] of kept) await objects.put(key, 'gone');
    const second = await start('i-1');
    try {
      await second.ready;
      const leases = openLeases(bench.redis, bench.cloud.names.keys);
      await until(
        'its lease',
        async () => (await leases.read(['i-1'])).get('i-1')?.gallery === version,
      );
      assert.deepEqual(times(), files);
    } finally {
      await second.stop();
      for (const [key, bytes] of kept) await objects.put(key, bytes);
    }
  });

  it('the embedding of a forgotten person is gone from the disk and the inference process', async () => {
    const embedding = [Math.PI, Math.E, Math.SQRT2, Math.LN10];
    const name = `Forgotten ${randomUUID()}`;
    const { version } = await enrol(gallery, name, embedding);
    // Near it: the question itself must not be what is found in memory.
    const near = embedding.map((value) => value + 1e-3);
    assert.equal((await who(near, version)).name, name);
    const needle = Buffer.from(Float32Array.from(embedding).buffer);
    const onDisk = () =>
      readdirSync(folder).filter((file) => readFileSync(join(folder, file)).includes(needle));
    assert.equal(onDisk().length, 1);
    const child = pids().findLast((pid) => existsSync(`/proc/${pid}`)) as number;
    if (process.platform === 'linux') assert.ok(inMemoryOf(child, needle) > 0, 'it can be seen');
    const objects = peopleObjects(bench);
    const head = await objects.head();
    // As an erasure leaves it: the segment of the person is listed no more.
    const segments = [];
    for (const segment of head.segments) {
      if (!(await objects.get(segment.key)).includes(needle)) segments.push(segment);
    }
    assert.equal(segments.length, head.segments.length - 1);
    const newer = { ...head, version: version + 1, segments };
    await objects.put(peopleKeys.head, JSON.stringify(newer));
    await until('the swap', async () => (await lease())?.gallery === version + 1);
    await until('the file to be gone', () => onDisk().length === 0);
    if (process.platform !== 'linux') return;
    await until('the embedding to be gone from memory', () => inMemoryOf(child, needle) === 0);
  });

  it('learns of a change by itself where Redis says nothing', async () => {
    const objects = peopleObjects(bench);
    const head = await objects.head();
    await objects.put(peopleKeys.head, JSON.stringify({ ...head, version: head.version + 1 }));
    await until('the version', async () => (await lease())?.gallery === head.version + 1);
    assert.ok(existsSync(folder));
  });
});
