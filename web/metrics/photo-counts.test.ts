import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { Match } from '../../cloud/contract/match.ts';
import { KEPT, type ReplyMessage } from '../../cloud/contract/messages.ts';
import { formBody, plainPhoto, post } from '../../test/form.fixture.ts';
import { type RunningApp, startApp } from '../app.fixture.ts';
import { httpError } from '../errors.ts';
import { photoCounts } from './photo-counts.ts';

describe('photos are counted by what became of them', () => {
  let app: RunningApp;
  let bytes: Buffer;
  beforeEach(async () => {
    bytes = await plainPhoto();
    app = await startApp({
      recognise: async ({ file }) => {
        if (file.startsWith('wall')) throw httpError.noFace('No face.');
        if (file.startsWith('late')) throw httpError.tooSlow(1);
        return { name: 'Somebody' } as Match;
      },
    });
  });
  afterEach(() => app.stop());

  const send = (path: string, names: string[], headers = {}) =>
    post(
      `${app.url}${path}`,
      formBody(
        names.map((fileName) => ({
          fileName,
          bytes: fileName.startsWith('text') ? 'text' : bytes,
        })),
      ),
      { headers },
    );
  async function counted(): Promise<Record<string, number>> {
    const text = await (await fetch(`${app.url}metrics`)).text();
    const line = /^elastic_face_photos_answered_total\{outcome="(.+)"\} (\d+)$/gm;
    return Object.fromEntries([...text.matchAll(line)].map(([, name, count]) => [name, +count!]));
  }

  it('each photo of a request, whatever the status of the whole', async () => {
    await send('v1/recognitions', ['a.jpg', 'wall.jpg', 'text.jpg', 'b.jpg']);
    await send('v1/recognitions', ['late-1.jpg', 'late-2.jpg']);
    assert.deepEqual(await counted(), { match: 2, 'no-face': 1, 'not-an-image': 1, 'too-slow': 2 });
  });

  it('the one photo of the contract’s address, and no form without one', async () => {
    for (const name of ['a.jpg', 'wall.jpg', 'text.jpg']) await send('', [name]);
    await send('', []);
    assert.deepEqual(await counted(), { match: 1, 'no-face': 1, 'not-an-image': 1 });
  });

  it('of photos for later only those that were refused, until the reply to the others is kept', async () => {
    await send('v1/recognitions', ['a.jpg', 'text.jpg'], { Prefer: 'respond-async' });
    assert.deepEqual(await counted(), { 'not-an-image': 1 });
    const outcomes: string[] = [];
    const live: [number, number][] = [];
    const { replied } = photoCounts(
      { photo: (outcome) => outcomes.push(outcome) },
      { answered: (...answer) => live.push(answer) },
    );
    const reply = (node: string, outcome: ReplyMessage['outcome']): void =>
      replied({ id: '6a1f0e8e-54cc-4b1c-8f3e-0a0a0a0a0a0a', file: 'a.jpg', node, outcome });
    reply(KEPT, { match: { name: 'Somebody' } as Match });
    reply(KEPT, { refusal: { reason: 'image', message: 'Broken.' } });
    reply('web-1', { match: { name: 'Somebody' } as Match });
    assert.deepEqual(outcomes, ['match', 'broken-image']);
    assert.deepEqual(live, [[0, 1]]);
  });
});
