import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { encoderId } from '../model/format.ts';
import { identified } from './encoder-identity.ts';
import { encoders } from './encoders.ts';

const off = (encoder: number) => [{ deviations: { pnet: 0, rnet: 0, onet: 0, encoder } }];
const inputs = (encoder: string) => [
  { file: 'pnet', sha256: 'a'.repeat(64) },
  { file: 'encoder', sha256: encoder.repeat(64) },
];

describe('whose embeddings can be compared', () => {
  it('the published weights have the encoder’s name, also where they were rounded', () => {
    for (const deviation of [0, 3e-5, 7.2e-4]) {
      const encoder = identified(encoders.facenet, off(deviation), inputs('b'));
      assert.equal(encoderId(encoder), 'facenet');
    }
  });

  it('other weights have an id of their own, made from their checkpoint', () => {
    const ids = ['b', 'c', 'b'].map((digest) =>
      encoderId(identified(encoders.facenet, off(0.4), inputs(digest))),
    );
    assert.match(ids[0]!, /^facenet-[0-9a-f]{12}$/);
    assert.notEqual(ids[0], ids[1]);
    assert.equal(ids[0], ids[2]);
    assert.equal(encoderId(identified(encoders.compact, off(Number.NaN), inputs('b'))).length, 20);
  });
});
