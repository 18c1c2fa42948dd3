import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compareKeys, OrderedMap, pageOf } from './key-order.ts';

const bytewise = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
const key = fc.string({ unit: 'binary', minLength: 1, maxLength: 12 });

test('keys are ordered as their UTF-8 bytes are', () => {
  fc.assert(
    fc.property(key, key, (a, b) => {
      assert.equal(Math.sign(compareKeys(a, b)), bytewise(a, b));
    }),
  );
  // UTF-16 has these two the other way round.
  assert.ok(compareKeys('\uFF5E', '\u{1F600}') < 0);
});

test('an ordered map stays in order while keys come and go', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(key, fc.boolean())), (changes) => {
      const map = new OrderedMap<number>();
      map.ordered();
      for (const [one, stays] of changes) {
        map.set(one, 1);
        if (!stays) map.delete(one);
      }
      assert.deepEqual(map.ordered(), [...map.keys()].sort(bytewise));
    }),
  );
});

test('ten thousand keys of mixed scripts come in pages of 7, each once, in byte order', () => {
  const scripts = [
    'a',
    'Z',
    '_',
    '-',
    '~',
    'é',
    'ß',
    '写',
    'ک',
    'Я',
    '\uFF5E',
    '\u{20BB7}',
    '\u{1F600}',
  ];
  const map = new OrderedMap<number>();
  for (let i = 0; map.size < 10_000; i++) {
    const letter = scripts[i % scripts.length]!;
    map.set(`${letter}${(i * 7919) % 10_007}${scripts[(i * 31) % scripts.length]}`, i);
  }
  const seen: string[] = [];
  let after = '';
  for (;;) {
    const { keys, next } = pageOf(map.ordered(), { prefix: '', delimiter: '', after, most: 7 });
    seen.push(...keys);
    if (next === undefined) break;
    after = next;
  }
  assert.deepEqual(seen, [...map.keys()].sort(bytewise));
});

test('a page is what filtering and grouping all keys gives', () => {
  const part = fc.constantFrom('a', 'b/', '/', '\u{1F600}', '\uFF5E', 'Z');
  const some = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join(''));
  fc.assert(
    fc.property(fc.uniqueArray(some), fc.constantFrom('', 'a', 'b/'), (all, prefix) => {
      const sorted = all.sort(bytewise);
      const entries = [
        ...new Set(
          sorted
            .filter((one) => one.startsWith(prefix))
            .map((one) => {
              const end = one.indexOf('/', prefix.length);
              return end < 0 ? one : one.slice(0, end + 1);
            }),
        ),
      ];
      const seen: string[] = [];
      let after = '';
      for (;;) {
        const page = pageOf(sorted, { prefix, delimiter: '/', after, most: 2 });
        seen.push(...[...page.keys, ...page.groups].sort(bytewise));
        if (page.next === undefined) break;
        after = page.next;
      }
      assert.deepEqual(seen, entries);
    }),
  );
});
