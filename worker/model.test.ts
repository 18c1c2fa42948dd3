import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { outcomeName } from '../cloud/contract/messages.ts';
import { MOST_ODDS } from '../model/odds/odds.ts';
import { parityPhotoPath, sharedMissing } from '../model/shared.fixture.ts';
import { silent } from '../test/cloud.fixture.ts';
import { plainPhoto } from '../test/form.fixture.ts';
import { modelDirectory } from '../test/model.fixture.ts';
import { knownPhotos } from '../test/photos.fixture.ts';
import { startWorker, type WorkerService } from './service.ts';
import { type Bench, openBench } from './worker.fixture.ts';

describe('a worker with the real model', { timeout: 300_000 }, () => {
  let bench: Bench;
  let worker: WorkerService;
  let images: string;
  let expected: ReadonlyMap<string, string>;
  before(async () => {
    ({ images, expected } = await knownPhotos(100));
    bench = await openBench();
    worker = await startWorker({
      settings: { ...bench.cloud.settings, MODEL_DIR: await modelDirectory() },
      instanceId: 'i-1',
      log: silent,
    });
  });
  after(async () => {
    await worker.stop();
    await bench.close();
  });

  it('names the people of twelve course photos', async () => {
    const stems = [...expected.keys()].slice(0, 12);
    assert.equal(stems.length, 12);
    const sent = await Promise.all(
      stems.map(async (stem) =>
        bench.send(`${stem}.jpg`, await readFile(join(images, `${stem}.jpg`))),
      ),
    );
    for (const one of sent) {
      const outcome = await bench.reply(one, 120_000);
      assert.ok('match' in outcome);
      const [stem = ''] = one.file.split('.');
      assert.equal(outcome.match.name, expected.get(stem));
      assert.equal(outcome.match.nearest.length, 3);
      assert.deepEqual((await bench.results.find(one.file))?.match, outcome.match);
    }
    await bench.atRest();
  });

  it('tells all faces and as many people as are asked for, and how it came to them', {
    skip: sharedMissing,
  }, async () => {
    const photo = await readFile(parityPhotoPath('multiface.jpg'));
    const sent = await bench.send('group.jpg', photo, { faces: 'all', top: 5 });
    const outcome = await bench.reply(sent, 60_000);
    assert.ok('match' in outcome);
    const { match } = outcome;
    assert.equal(match.faces?.length, 6);
    assert.deepEqual(match.faces[0]?.box, match.box);
    for (const face of match.faces) assert.equal(face.nearest.length, 5);
    const reply = (await bench.hear()).find(({ id }) => id === sent.id);
    assert.equal(reply?.instance, 'i-1');
    for (const step of [
      'fetch',
      'wait',
      'decode',
      'detect',
      'embed',
      'match',
      'compute',
      'write',
    ]) {
      assert.ok((reply.timings?.[step] ?? -1) >= 0, step);
    }
    await bench.atRest();
  });

  it('tells odds and quality, and decides by the odds of the request who is known', async () => {
    const [stem = ''] = expected.keys();
    const photo = await readFile(join(images, `${stem}.jpg`));
    const ask = async (odds?: number) => {
      const file = `${stem}-${odds ?? 'none'}.jpg`;
      const sent = await bench.send(file, photo, { known: true, ...(odds && { odds }) });
      const outcome = await bench.reply(sent, 60_000);
      assert.ok('match' in outcome);
      return outcome.match;
    };
    const { odds = 0, known, nearest, quality } = await ask();
    assert.ok(odds >= 1 && known, `odds of ${odds}, nearer than the encoder’s distance`);
    assert.equal(nearest[0]?.odds, odds);
    assert.ok((nearest[1]?.odds ?? 0) <= odds);
    assert.equal(
      quality?.score,
      Math.min(
        quality?.size ?? 0,
        quality?.sharpness ?? 0,
        quality?.light ?? 0,
        quality?.pose ?? 0,
        quality?.confidence ?? 0,
      ),
    );
    // A question near the odds that bfloat16 tells is decided in float32, whose odds are a little different.
    assert.equal((await ask(odds / 1.2)).known, true);
    // At the most that is told, the true odds are higher.
    const tooMuch = odds < MOST_ODDS ? odds * 1.2 : 1e300;
    assert.equal((await ask(tooMuch)).known, false);
    await bench.atRest();
  });

  it('refuses a photo without a face and one that is cut short, and goes on', async () => {
    const [stem = ''] = expected.keys();
    const whole = await readFile(join(images, `${stem}.jpg`));
    const plain = await bench.send('plain.jpg', await plainPhoto());
    const cut = await bench.send('cut.jpg', whole.subarray(0, whole.length / 2));
    const good = await bench.send('good.jpg', whole);
    const outcomes = await Promise.all([plain, cut, good].map((one) => bench.reply(one)));
    const words = outcomes.map((outcome) =>
      'match' in outcome ? outcome.match.name : outcomeName(outcome),
    );
    assert.deepEqual(words, ['no-face', 'image', expected.get(stem)]);
    await bench.atRest();
  });
});
