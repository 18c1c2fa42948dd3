import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { damaged, FUZZ_TIMEOUT_MS, fuzzCases } from '../../test/fuzz.fixture.ts';
import {
  decodeReply,
  decodeRequest,
  encodeReply,
  encodeRequest,
  encodeWork,
  MessageError,
} from './messages.ts';
import { asideKey } from './names.ts';
import { decodeQueued } from './queued.ts';

const id = '0b9d3f0e-4a3e-4a52-9c0a-6d2a8b1c2d3e';
const request = { id, file: 'a.jpg', key: 'a.jpg', node: 'web-1', sentAt: 1_790_000_000_000 };
const text = Buffer.from(JSON.stringify(request));
const aside = Buffer.from(JSON.stringify({ ...request, key: asideKey(id, 'a.jpg') }));
const work = Buffer.from(
  encodeWork({ id, work: 'embed', photos: 1, node: 'web-1', sentAt: 1_790_000_000_000 }),
);
const reply = Buffer.from(
  encodeReply({
    id,
    file: 'a.jpg',
    node: 'web-1',
    outcome: { refusal: { reason: 'image', message: 'No.' } },
  }),
);

function decodedOrRefused(body: string): void {
  for (const decode of [decodeRequest, decodeReply, decodeQueued]) {
    try {
      decode(body);
    } catch (error) {
      assert.ok(error instanceof MessageError, String(error));
    }
  }
  assert.deepEqual(Object.keys(Object.prototype), []);
}

test('a damaged or foreign message is read or refused by a MessageError, never anything else', {
  timeout: FUZZ_TIMEOUT_MS,
}, () => {
  const bodies = fc.oneof(
    damaged([text, aside, work, reply]).map(String),
    fc.json({ maxDepth: 4 }),
    fc.string({ unit: 'binary' }),
  );
  fc.assert(fc.property(bodies, decodedOrRefused), { numRuns: fuzzCases });
});

test('a request message can name no object but its own photo, and no name that is a path', {
  timeout: FUZZ_TIMEOUT_MS,
}, () => {
  const names = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 30 }),
    fc.constantFrom(
      '..',
      '../x',
      'a/b',
      '~/x/a.jpg',
      'http://127.0.0.1/',
      '//host/x',
      'a\\b',
      'a\nb',
      '\u202egpj',
    ),
  );
  fc.assert(
    fc.property(names, names, fc.boolean(), (file, other, setAside) => {
      const honest = setAside ? asideKey(id, file) : file;
      for (const key of [honest, other]) {
        let decoded: ReturnType<typeof decodeRequest>;
        try {
          decoded = decodeRequest(encodeRequest({ ...request, file, key }));
        } catch (error) {
          assert.ok(error instanceof MessageError, String(error));
          continue;
        }
        assert.ok(decoded.key === file || decoded.key === asideKey(id, file));
        assert.doesNotMatch(decoded.file, /[/\\\p{Cc}\u202e]|^\.{0,2}$/u);
      }
    }),
    { numRuns: fuzzCases },
  );
});
