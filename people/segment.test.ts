/** A segment comes back as it was written, and anything else is refused with one sentence. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, it } from 'node:test';
import { ENCODER, face, LENGTH, person } from './people.fixture.ts';
import {
  embeddingsStart,
  encodeSegment,
  openSegment,
  readSegmentHeader,
  refOf,
} from './segment.ts';

const expected = { encoder: ENCODER, length: LENGTH };
const ada = person('Ada', { metadata: { team: 'Ω' }, consent: 'by letter' });
const bob = person('Bób');
const quality = {
  score: 0.25,
  size: 0.5,
  sharpness: 0.25,
  light: 1,
  pose: 0.1234,
  confidence: 0.9999,
  reasons: ['The face is blurred.'],
};
const faces = [
  face(ada, { quality, enrolled: '2026-05-06T07:08:09.123Z', photoDigest: `${'A'.repeat(42)}E` }),
  face(bob),
  face(ada, { quality: { ...quality, reasons: [] } }),
  face(randomUUID()),
];
const bytes = encodeSegment([ada, bob], faces, ENCODER, LENGTH);
const ref = listed(bytes);

function listed(of: Buffer, count = faces.length) {
  return refOf(randomUUID(), of, { people: 2, faces: count, length: LENGTH });
}

describe('a segment', () => {
  it('comes back with every person, face and number as it was written', () => {
    const segment = openSegment(bytes, ref, expected);
    assert.deepEqual(segment.people, [ada, bob]);
    assert.equal(segment.faces.count, faces.length);
    for (const [i, { embedding, ...meta }] of faces.entries()) {
      assert.deepEqual(segment.faces.at(i), meta);
      assert.deepEqual(segment.embeddings.subarray(i * LENGTH, (i + 1) * LENGTH), embedding);
    }
  });

  it('has its embeddings at a multiple of 64 bytes, and shares the memory of what was read', () => {
    const { embeddings } = openSegment(bytes, ref, expected);
    assert.equal(embeddingsStart(ref, LENGTH) % 64, 0);
    assert.equal(embeddings.buffer, bytes.buffer);
  });

  it('is read at any address, also one that floats may not have', () => {
    const odd = Buffer.from(new ArrayBuffer(bytes.length + 1), 1);
    odd.set(bytes);
    const { embeddings } = openSegment(odd, ref, expected);
    assert.deepEqual(embeddings, openSegment(bytes, ref, expected).embeddings);
  });

  it('shows its people and faces by the bytes before the embeddings alone', () => {
    const header = bytes.subarray(0, embeddingsStart(ref, LENGTH));
    assert.deepEqual(readSegmentHeader(header, ref, expected).people, [ada, bob]);
  });

  it('without any face is a segment too', () => {
    const renamed = encodeSegment([ada, bob], [], ENCODER, LENGTH);
    assert.deepEqual(openSegment(renamed, listed(renamed, 0), expected).people, [ada, bob]);
  });

  it('that is cut off anywhere is refused, whether the head knows it or not', () => {
    for (let end = 0; end < bytes.length; end += 37) {
      const torn = bytes.subarray(0, end);
      assert.throws(() => openSegment(torn, ref, expected), { code: 'gallery-segment' });
      const claimed = { ...listed(Buffer.concat([torn])), bytes: end };
      assert.throws(() => openSegment(torn, claimed, expected), { code: 'gallery-segment' });
    }
  });

  it('with any byte changed is refused by its digest, and if that was forged too, never half read', () => {
    for (let at = 0; at < bytes.length; at += 7) {
      const forged = Buffer.from(bytes);
      forged[at]! ^= 0x55;
      assert.throws(() => openSegment(forged, ref, expected), /is not the one that the head lists/);
      try {
        openSegment(forged, listed(forged), expected);
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'gallery-segment', String(error));
      }
    }
  });

  it('of another encoder, length or program is refused by name', () => {
    for (const [other, message] of [
      [{ encoder: 'compact', length: LENGTH }, /holds embeddings of facenet, not of compact/],
      [{ encoder: ENCODER, length: LENGTH + 1 }, /torn|not the one/],
    ] as const) {
      assert.throws(() => openSegment(bytes, ref, other), { code: 'gallery-segment', message });
    }
    const newer = Buffer.from(bytes);
    newer.writeUInt32LE(2, 8);
    assert.throws(() => openSegment(newer, listed(newer), expected), /has format 2/);
  });

  it('with a value that is not a number is refused', () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const forged = encodeSegment(
        [ada, bob],
        [...faces.slice(1), face(ada, { embedding: new Float32Array(LENGTH).fill(value) })],
        ENCODER,
        LENGTH,
      );
      assert.throws(() => openSegment(forged, listed(forged), expected), /is no number/);
    }
  });

  it('is not written with an embedding of another length', () => {
    const short = face(ada, { embedding: new Float32Array(3) });
    assert.throws(() => encodeSegment([ada], [short], ENCODER, LENGTH), RangeError);
  });
});
