/** Photos for later that the cloud does not take: played by parts that fail. */
import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import type { RecognitionRecord } from '../../cloud/redis/recognitions.ts';
import { formBody, plainPhoto, post } from '../../test/form.fixture.ts';
import { type RunningApp, startApp } from '../app.fixture.ts';
import { httpError } from '../errors.ts';
import { parsed } from './api.fixture.ts';
import { ResultUpdates } from './result-updates.ts';

describe('photos for later that cannot be stored', () => {
  let app: RunningApp | undefined;
  afterEach(() => app?.stop());

  /** Posts photos of these names, of which those that begin with `lost` are not stored. */
  async function send(...names: string[]) {
    const records = new Map<string, RecognitionRecord>();
    app = await startApp({
      parts: {
        api: {
          enqueue: async ({ file }) => {
            if (file.startsWith('lost')) throw httpError.notStored(new Error('no bucket'));
          },
          recognitions: {
            write: async (id, record) => void records.set(id, record),
            async find(id) {
              const record = records.get(id);
              return record && { record, ageMs: 0 };
            },
            keep: async () => {},
            replies: async (ids) => ids.map(() => undefined),
          },
          updates: new ResultUpdates(() => ({ close() {} })),
          lateMs: 60_000,
          maxUploadsMb: 4,
        },
      },
    });
    const bytes = await plainPhoto();
    const url = `${app.url}v1/recognitions`;
    const headers = { Prefer: 'respond-async' };
    const posted = await post(url, formBody(names.map((fileName) => ({ fileName, bytes }))), {
      headers,
    });
    const kept = await fetch(`${url}/${posted.headers['x-request-id']}`);
    return { posted, kept: parsed({ text: await kept.text() }) };
  }

  it('are refused as a whole when none could be, and their id says the same', async () => {
    const { posted, kept } = await send('lost-1.jpg', 'lost-2.jpg');
    assert.equal(posted.status, 503);
    assert.match(String(posted.headers['content-type']), /^application\/problem\+json/);
    assert.equal(JSON.parse(posted.text).type, '/problems/unavailable');
    assert.equal(posted.headers['retry-after'], '1');
    assert.equal(posted.headers.location, undefined);
    assert.deepEqual([kept.status, kept.photos.length], ['failed', 2]);
  });

  it('are failed in the kept answer when others could be', async () => {
    const { posted, kept } = await send('lost.jpg', 'stored.jpg');
    assert.equal(posted.status, 202);
    assert.deepEqual(parsed(posted), kept);
    const told = kept.photos.map((one) => [one.status, 'problem' in one && one.problem.type]);
    assert.deepEqual(told, [
      ['failed', '/problems/unavailable'],
      ['pending', false],
    ]);
  });
});
