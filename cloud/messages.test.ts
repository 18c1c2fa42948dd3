import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { decodeReply, decodeRequest, encodeRequest, MessageError } from './messages.ts';
import { asideKey } from './names.ts';

const id = '0b9d3f0e-4a3e-4a52-9c0a-6d2a8b1c2d3e';
const request = { id, file: 'a.jpg', key: 'a.jpg', node: 'web-1', sentAt: 1_790_000_000_000 };

describe('request messages', () => {
  it('are read back as they were written', () => {
    assert.deepEqual(decodeRequest(encodeRequest(request)), request);
  });

  it('stay within 1,024 bytes for the longest name that the web tier takes', () => {
    const file = 'n'.repeat(200);
    const node = `web-${'h'.repeat(40)}-0123456789ab`;
    const digest = 'd'.repeat(43);
    const trace = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
    const key = asideKey(id, file);
    const asked = { faces: 'all', top: 10 } as const;
    const body = encodeRequest({ ...request, file, key, node, digest, ...asked, trace });
    assert.ok(Buffer.byteLength(body) <= 1024);
  });

  it('leave their trace out where it would not fit', () => {
    const file = 'é'.repeat(205);
    const full = { ...request, file, key: asideKey(id, file) };
    const trace = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
    assert.deepEqual(decodeRequest(encodeRequest({ ...full, trace })), full);
    assert.equal(decodeRequest(encodeRequest({ ...request, trace })).trace, trace);
  });

  it('are refused when they would be longer', () => {
    const file = '\u{1F600}'.repeat(120);
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
