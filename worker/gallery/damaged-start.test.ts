import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { DeleteObjectCommand } from '@aws-sdk/client-s3';
import { pino } from 'pino';
import { type GalleryHead, peopleKeys } from '../../people/head.ts';
import type { GalleryStore } from '../../people/store.ts';
import { silent } from '../../test/cloud.fixture.ts';
import { until } from '../../test/condition.fixture.ts';
import type { Inference } from '../inference/inference.ts';
import { startInference } from '../inference/start.ts';
import { type Bench, DOUBLE, openBench } from '../worker.fixture.ts';
import { followGallery } from './follow.ts';
import type { GalleryFollower } from './follower.ts';
import { enrol, openTestGallery, peopleObjects } from './gallery.fixture.ts';

const OLDER = /Searching an earlier version/;
const NOT_USED = /A new gallery is not used/;

interface Fresh {
  readonly inference: Inference;
  readonly follower: GalleryFollower;
  readonly folder: string;
  readonly lines: string[];
}

describe('a worker that starts while the newest gallery is damaged', { timeout: 60_000 }, () => {
  let bench: Bench;
  let gallery: GalleryStore;
  let folder: string;
  let started = 0;
  let newest: GalleryHead;
  let objects: ReturnType<typeof peopleObjects>;
  before(async () => {
    bench = await openBench();
    folder = mkdtempSync(join(tmpdir(), 'elastic-face-damaged-'));
    gallery = openTestGallery(bench);
    objects = peopleObjects(bench);
  });
  after(async () => {
    await gallery.close();
    await bench.close();
    rmSync(folder, { recursive: true });
  });
  beforeEach(async () => {
    for (const number of [1, 2, 3])
      await enrol(gallery, `${started}-${number}`, [started, number, 0, 0]);
    newest = await objects.head();
  });

  const withFresh = async (use: (fresh: Fresh) => Promise<void>): Promise<void> => {
    started += 1;
    const lines: string[] = [];
    const log = pino({ level: 'info' }, { write: (line) => void lines.push(line) });
    const { settings, clients, names } = bench.cloud;
    const inference = startInference(settings, silent, DOUBLE);
    const own = join(folder, String(started));
    const following = followGallery({
      ...{ s3: clients.s3, bucket: names.peopleBucket, endpoint: settings.AWS_ENDPOINT_URL },
      ...{ redis: bench.redis, keys: names.keys, inference, log, folder: own },
      ...{ pollMs: 50, unreferencedMs: 500 },
    });
    try {
      await inference.ready();
      await use({ inference, follower: following.follower, folder: own, lines });
    } finally {
      await inference.stop();
      await following.stop();
    }
  };
  const searches = ({ follower }: Fresh, version: number): Promise<unknown> =>
    until(`version ${version}`, () => follower.version === version);
  const who = async ({ inference }: Fresh, embedding: readonly number[]) => {
    const { outcome } = await inference.compute(Buffer.from(`who ${embedding}`));
    assert.ok('match' in outcome, JSON.stringify(outcome));
    return [outcome.match.name, outcome.match.gallery];
  };
  const timesSaid = ({ lines }: Fresh, what: RegExp): number =>
    lines.filter((line) => what.test(line)).length;
  const newestSegment = ({ segments }: GalleryHead): string => segments.at(-1)!.key;
  const spoil = async (key: string): Promise<Buffer> => {
    const bytes = await objects.get(key);
    await objects.put(key, bytes.subarray(0, bytes.length - 4));
    return bytes;
  };
  /** It searches that one, says so once, and then the next one that is whole. */
  const searchesAnEarlierOne = (version: number, says: RegExp) =>
    withFresh(async (fresh) => {
      const round = started - 1;
      assert.deepEqual(await who(fresh, [round, 1, 0, 0]), [`${round}-1`, version]);
      await until('its trouble', () => says.test(fresh.follower.trouble ?? ''));
      await fresh.follower.look();
      assert.deepEqual([timesSaid(fresh, OLDER), timesSaid(fresh, NOT_USED)], [1, 1]);
      // As a rollback, or a change of a node that still knows the head, writes it.
      const segments = newest.segments.slice(0, -2);
      const next = { ...newest, version: newest.version + 1, segments };
      await objects.put(peopleKeys.head, JSON.stringify(next));
      await searches(fresh, next.version);
      await until('the end of the trouble', () => fresh.follower.trouble === undefined);
      assert.deepEqual([timesSaid(fresh, OLDER), timesSaid(fresh, NOT_USED)], [1, 1]);
    });

  it('searches the version before, where the head is not understood', async () => {
    await objects.put(peopleKeys.head, '{"format":');
    await searchesAnEarlierOne(newest.version - 1, /not one that this version can read/);
  });

  it('searches the version before, where a segment of the newest one is torn', async () => {
    await spoil(newestSegment(newest));
    await searchesAnEarlierOne(newest.version - 1, /torn or forged/);
  });

  it('searches the version before, where a segment of the newest one is missing', async () => {
    await remove(newestSegment(newest));
    await searchesAnEarlierOne(newest.version - 1, /is not in the bucket/);
  });

  it('searches the version before, where the head is of another encoder', async () => {
    await objects.put(peopleKeys.head, JSON.stringify({ ...newest, encoder: 'other' }));
    await searchesAnEarlierOne(newest.version - 1, /other embeddings/);
  });

  it('searches the version before, where there is no head any more', async () => {
    await remove(peopleKeys.head);
    await searchesAnEarlierOne(newest.version - 1, /is gone/);
  });

  it('passes over earlier versions that are damaged too', async () => {
    await spoil(newestSegment(newest));
    await objects.put(peopleKeys.version(newest.version - 1), '{}');
    await searchesAnEarlierOne(newest.version - 2, /torn or forged/);
  });

  it('takes the newest version as soon as its segment is whole again', async () => {
    const key = newestSegment(newest);
    const whole = await spoil(key);
    await withFresh(async (fresh) => {
      await searches(fresh, newest.version - 1);
      await objects.put(key, whole);
      await searches(fresh, newest.version);
      await until('the end of the trouble', () => fresh.follower.trouble === undefined);
    });
  });

  it('keeps people when its process ends and the newest segment is lost everywhere', async () => {
    await withFresh(async (fresh) => {
      await searches(fresh, newest.version);
      for (const file of readdirSync(fresh.folder)) rmSync(join(fresh.folder, file));
      await spoil(newestSegment(newest));
      process.kill(lastProcess(), 'SIGKILL');
      await searches(fresh, newest.version - 1);
      const round = started - 1;
      assert.deepEqual(await who(fresh, [round, 1, 0, 0]), [`${round}-1`, newest.version - 1]);
    });
    // The next test's changes start from a whole one.
    await objects.put(peopleKeys.head, JSON.stringify({ ...newest, segments: [] }));
  });

  it('searches the model’s own gallery where no version is whole', async () => {
    await spoil(newestSegment(newest));
    for (let number = 1; number < newest.version; number++) {
      await objects.put(peopleKeys.version(number), '{}');
    }
    await withFresh(async (fresh) => {
      assert.deepEqual(await who(fresh, [0, 0, 0, 0]), ['nobody', 0]);
      assert.match(fresh.follower.trouble ?? '', /torn or forged/);
      assert.equal(timesSaid(fresh, OLDER), 0);
    });
  });

  const remove = (Key: string): Promise<unknown> => {
    const { clients, names } = bench.cloud;
    return clients.s3.send(new DeleteObjectCommand({ Bucket: names.peopleBucket, Key }));
  };
  const lastProcess = (): number =>
    readFileSync(join(bench.folder, 'started'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => Number.parseInt(line, 10))
      .findLast((pid) => existsSync(`/proc/${pid}`))!;
});
