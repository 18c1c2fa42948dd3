import assert from 'node:assert/strict';
import { it } from 'node:test';
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
