import assert from 'node:assert/strict';
import { it } from 'node:test';
import { until } from '../../../test/condition.fixture.ts';
import { Batcher } from './batch.ts';

/** A batcher whose calls end when the test says so. */
function controlled(options: { size: number; concurrency: number }) {
  const calls: { items: readonly string[]; end: (failed?: Map<number, Error>) => void }[] = [];
  const batcher = new Batcher<string>(
    (items) =>
      new Promise((resolve) => {
        calls.push({ items, end: (failed = new Map()) => resolve(failed) });
      }),
    options,
  );
  return { batcher, calls };
}
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it('a lone item goes at once; what comes meanwhile goes together in the next call', async () => {
  const { batcher, calls } = controlled({ size: 10, concurrency: 1 });
  const all = ['a', 'b', 'c'].map((item) => batcher.add(item));
  assert.deepEqual(
    calls.map(({ items }) => items),
    [['a']],
  );
  calls[0]?.end();
  await turn();
  assert.deepEqual(calls[1]?.items, ['b', 'c']);
  calls[1]?.end();
  await Promise.all(all);
});

it('no call holds more items than its size, and no more calls run than are allowed', async () => {
  const { batcher, calls } = controlled({ size: 2, concurrency: 2 });
  const all = ['a', 'b', 'c', 'd', 'e'].map((item) => batcher.add(item));
  assert.equal(calls.length, 2);
  for (let i = 0; i < 5 && i < calls.length; i++) {
    calls[i]?.end();
    await turn();
  }
  await Promise.all(all);
  assert.deepEqual(
    calls.map(({ items }) => items.length),
    [1, 1, 2, 1],
  );
});

it('an item that failed is rejected alone; a call that failed rejects its own items only', async () => {
  const { batcher, calls } = controlled({ size: 10, concurrency: 1 });
  const [a, b, c] = ['a', 'b', 'c'].map((item) => batcher.add(item));
  calls[0]?.end();
  await a;
  await turn();
  calls[1]?.end(new Map([[1, new Error('refused')]]));
  await b;
  await assert.rejects(c ?? Promise.resolve(), /refused/);
  let sent = 0;
  const failing = new Batcher<string>(
    async () => {
      sent += 1;
      if (sent === 1) throw new Error('no network');
      return new Map();
    },
    { size: 1, concurrency: 1 },
  );
  await assert.rejects(failing.add('x'), /no network/);
  await failing.add('y');
});

it('a call holds no more bytes than it may, and an item over that goes alone', async () => {
  const calls: string[][] = [];
  let release = Promise.withResolvers<void>();
  const batcher = new Batcher<string>(
    async (items) => {
      calls.push([...items]);
      await release.promise;
      return new Map();
    },
    { size: 10, concurrency: 1, mostBytes: 6, bytesOf: (item) => item.length },
  );
  const all = ['first', 'aaa', 'bbb', 'c', 'too-large', 'dd'].map((item) => batcher.add(item));
  release.resolve();
  release = Promise.withResolvers();
  release.resolve();
  await Promise.all(all);
  assert.deepEqual(calls, [['first'], ['aaa', 'bbb'], ['c'], ['too-large'], ['dd']]);
});

it('items that may wait fill a call, or go when their time is over', async () => {
  const { batcher, calls } = controlled({ size: 3, concurrency: 2 });
  const full = ['a', 'b', 'c'].map((item) => batcher.add(item, 60_000));
  assert.deepEqual(calls[0]?.items, ['a', 'b', 'c']);
  const late = ['d', 'e'].map((item) => batcher.add(item, 20));
  await turn();
  assert.equal(calls.length, 1);
  calls[0]?.end();
  await Promise.all(full);
  assert.equal(calls.length, 1, 'the end of a call is no reason to send what may wait');
  await until('their time to be over', () => calls.length === 2);
  assert.deepEqual(calls[1]?.items, ['d', 'e']);
  calls[1]?.end();
  await Promise.all(late);
});

it('an item that may not wait takes those along that may', async () => {
  const { batcher, calls } = controlled({ size: 10, concurrency: 1 });
  const all = [batcher.add('a', 60_000), batcher.add('b')];
  assert.deepEqual(calls[0]?.items, ['a', 'b']);
  calls[0]?.end();
  await Promise.all(all);
});
