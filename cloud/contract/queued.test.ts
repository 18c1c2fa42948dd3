import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  decodeReply,
  decodeRequest,
  encodeReply,
  encodeRequest,
  encodeWork,
  MessageError,
} from './messages.ts';
import { MOST_WORK_PHOTOS, type PeopleWork } from './people-work.ts';
import { decodeQueued, fileOf, isWork } from './queued.ts';

const id = '0b9d3f0e-4a3e-4a52-9c0a-6d2a8b1c2d3e';
const digest = 'd'.repeat(43);
const sender = { id, node: 'web-1', sentAt: 1_790_000_000_000 };
const embed: PeopleWork = { ...sender, work: 'embed', photos: 2 };
const photo = { ...sender, file: 'a.jpg', key: 'a.jpg' };

describe('messages of the request queue', () => {
  it('of either kind are read back as they were written, and told apart', () => {
    const work = decodeQueued(encodeWork(embed));
    assert.deepEqual([work, isWork(work)], [embed, true]);
    const request = decodeQueued(encodeRequest(photo));
    assert.deepEqual([request, isWork(request)], [photo, false]);
    assert.throws(() => decodeRequest(encodeWork(embed)), MessageError);
  });

  it('are counted under a name that no photo can have, where they are works', () => {
    assert.equal(fileOf(photo), 'a.jpg');
    assert.throws(() => decodeQueued(encodeRequest({ ...photo, file: fileOf(embed) })));
  });

  it('that are works stay within 1,024 bytes, without their trace where it does not fit', () => {
    const trace = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
    const node = 'n'.repeat(64);
    const kept = (letters: number) => ({ key: 'k'.repeat(letters), digest });
    const full: PeopleWork = {
      ...{ ...embed, node, photos: MOST_WORK_PHOTOS, person: id, top: 100 },
      ...{ odds: 1_000_000, gallery: 9_999_999, kept: kept(300) },
    };
    assert.deepEqual(decodeQueued(encodeWork({ ...full, trace })), { ...full, trace });
    const taken = Buffer.byteLength(encodeWork({ ...full, kept: kept(0) }));
    const long = { ...full, kept: kept(1024 - taken) };
    assert.deepEqual(decodeQueued(encodeWork({ ...long, trace })), long);
    assert.throws(() => encodeWork({ ...long, kept: kept(1024) }), MessageError);
  });

  for (const [what, work] of [
    ['a search with a photo', { work: 'search', photos: 1 }],
    ['an embedding of no photo', { work: 'embed', photos: 0 }],
    ['a verification of one photo and nobody', { work: 'verify', photos: 1 }],
    ['a verification of three photos', { work: 'verify', photos: 3 }],
    ['a verification of two photos and a person', { work: 'verify', photos: 2, person: id }],
    ['more photos than a work may have', { work: 'embed', photos: MOST_WORK_PHOTOS + 1 }],
    ['an unknown work', { work: 'paint', photos: 1 }],
  ] as const) {
    it(`that ask for ${what} are refused`, () => {
      assert.throws(() => decodeQueued(JSON.stringify({ ...sender, ...work })), MessageError);
    });
  }

  it('that are works have a reply of their own', () => {
    const reply = { id, node: 'web-1', file: fileOf(embed), outcome: { work: 'done' as const } };
    assert.deepEqual(decodeReply(encodeReply(reply)), reply);
  });
});
