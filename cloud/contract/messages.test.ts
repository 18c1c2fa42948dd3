import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { MOST_FILE_NAME_UNITS } from './file-names.ts';
import {
  decodeReply,
  decodeRequest,
  encodeRequest,
  MessageError,
  type RequestMessage,
} from './messages.ts';
import { asideKey } from './names.ts';

const id = '0b9d3f0e-4a3e-4a52-9c0a-6d2a8b1c2d3e';
const request = { id, file: 'a.jpg', key: 'a.jpg', node: 'web-1', sentAt: 1_790_000_000_000 };

describe('request messages', () => {
  it('are read back as they were written', () => {
    assert.deepEqual(decodeRequest(encodeRequest(request)), request);
  });

  it('stay within 1,024 bytes for the longest name that the web tier takes, in any script', () => {
    const node = `web-${'h'.repeat(40)}-0123456789ab`;
    const digest = 'd'.repeat(43);
    const ask = { faces: 'all', top: 10, known: true, gallery: 9_999_999, odds: 1_000_000 };
    const trace = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
    for (const letter of ['n', '"', 'é', '写', '\u{1F600}']) {
      const file = letter.repeat(MOST_FILE_NAME_UNITS / letter.length);
      for (const key of [file, asideKey(id, file)]) {
        const full = { ...request, file, key, node, digest, ...ask };
        const body = encodeRequest({ ...full, trace } as RequestMessage);
        assert.ok(Buffer.byteLength(body) <= 1024);
        const { trace: kept = trace, ...read } = decodeRequest(body);
        assert.deepEqual([read, kept], [full, trace]);
      }
    }
  });

  it('leave their trace out where it would not fit', () => {
    const file = '写'.repeat(MOST_FILE_NAME_UNITS);
    const node = `web-${'h'.repeat(40)}-0123456789ab`;
    const full = { ...request, file, key: asideKey(id, file), digest: 'd'.repeat(43), node };
    const trace = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
    assert.deepEqual(decodeRequest(encodeRequest({ ...full, trace })), full);
    assert.equal(decodeRequest(encodeRequest({ ...request, trace })).trace, trace);
  });

  it('are refused when they would be longer', () => {
    const file = '\u{1F600}'.repeat(255);
    assert.throws(
      () => encodeRequest({ ...request, file, key: file }),
      (error) => error instanceof MessageError && /1024/.test(error.message),
    );
  });

  it('with anything else in their place give a MessageError and nothing but', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.json().map((j) => `{"id":${j}}`),
        ),
        (body) => {
          assert.throws(() => decodeRequest(body), MessageError);
          assert.throws(() => decodeReply(body), MessageError);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('name the wrong field', () => {
    assert.throws(() => decodeRequest(JSON.stringify({ ...request, sentAt: -1 })), /'sentAt'/);
  });
});
