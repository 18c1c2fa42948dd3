import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { it } from 'node:test';
import { pino } from 'pino';
import { answerRequest, type RequestParts } from './answer.ts';

const request = {
  id: randomUUID(),
  file: 'photo.jpg',
  key: 'photo.jpg',
  node: 'web',
  sentAt: Date.now(),
};
const log = pino({ level: 'silent' });

/** Only what is reached before a photo is computed; anything else fails the test. */
function partsThatOnlyFetch(get: RequestParts['photos']['get']): RequestParts {
  return {
    photos: { get },
    catchUp: async () => {},
    mostDeliveries: 5,
    compute: () => assert.fail('computed'),
  } as unknown as RequestParts;
}

it('a postponed request is neither computed nor answered, whatever becomes of its photo', async () => {
  for (const get of [
    async () => new Uint8Array(3),
    () => Promise.reject(new Error('S3 is away')),
    () => new Promise<never>(() => {}),
  ]) {
    const delivery = { deliveries: 1, isLost: false, postponed: Promise.resolve(true) };
    const answered = await answerRequest(request, delivery, partsThatOnlyFetch(get), log);
    assert.equal(answered, undefined);
  }
});

it('the photo is fetched while it is asked whether the request is postponed', async () => {
  const asked = Promise.withResolvers<boolean>();
  const fetching = Promise.withResolvers<void>();
  const parts = partsThatOnlyFetch(async () => {
    fetching.resolve();
    return new Uint8Array(3);
  });
  const answered = answerRequest(
    request,
    { deliveries: 1, isLost: false, postponed: asked.promise },
    parts,
    log,
  );
  await fetching.promise;
  asked.resolve(true);
  assert.equal(await answered, undefined);
});
