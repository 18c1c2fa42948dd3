import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { until } from '../test/condition.fixture.ts';
import { headSchema, peopleKeys } from './head.ts';
import { person } from './people.fixture.ts';
import {
  enrol,
  facesByName,
  openStore,
  type PeopleCloud,
  startPeopleCloud,
} from './store.fixture.ts';

const NODE = fileURLToPath(new URL('./killed-node.fixture.ts', import.meta.url));
/** Lives of two nodes each. */
const LIVES = 2;

let cloud: PeopleCloud;
before(async () => {
  cloud = await startPeopleCloud();
});
after(() => cloud.stop());

test('of nodes that are killed while they change the gallery, no answered change is lost', {
  timeout: 120_000,
}, async () => {
  const bucket = await cloud.bucket();
  const answered: string[] = [];
  /** Killed in the middle of whatever it does, after a number of answers that differs each time. */
  const live = async (first: number, answers: number): Promise<void> => {
    const node = spawn(process.execPath, [NODE, cloud.url, bucket.name, String(first)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let count = 0;
    for await (const name of createInterface({ input: node.stdout })) {
      answered.push(name);
      count += 1;
      if (count === answers) node.kill('SIGKILL');
    }
    if (node.exitCode === null && node.signalCode === null) await once(node, 'exit');
  };
  const lives = async (of: number): Promise<void> => {
    for (let i = 0; i < LIVES; i++) await live(of + i * 1000, 10 + 17 * i + of / 10_000);
  };
  await Promise.all([lives(0), lives(10_000)]);
  const there = await facesByName(cloud, bucket);
  for (const name of answered) assert.equal(there[name], 1, name);
  // What was killed before its answer may be there or not, but whole: a person with one face.
  assert.deepEqual(new Set(Object.values(there)), new Set([1]));
  assert.ok(Object.keys(there).length <= answered.length + 3 * 2 * LIVES);
  // The next node deletes the segments that the killed ones have left.
  const store = openStore(cloud, bucket, { tidy: { orphanMs: -60_000, graceMs: 0 } });
  await enrol(store, person('the last one'));
  await until('orphans to be gone', async () => {
    const heads = await Promise.all(
      [peopleKeys.head, ...(await bucket.list(peopleKeys.versions)).map(({ key }) => key)].map(
        async (key) => headSchema.parse(JSON.parse(`${(await bucket.get(key))?.bytes}`)),
      ),
    );
    const listed = new Set(heads.flatMap(({ segments }) => segments.map(({ key }) => key)));
    return (await bucket.list(peopleKeys.segments)).every(({ key }) => listed.has(key));
  });
  await store.close();
});
