import assert from 'node:assert/strict';
import { readFile, rm } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { after, before, describe, test } from 'node:test';
import sharp from 'sharp';
import { openNetworks } from '../../model/backend/open-networks.ts';
import { decodeImage } from '../../model/decode/decode.ts';
import { detectFaces } from '../../model/detect/cascade.ts';
import { loadRecognizer } from '../../model/load-recognizer.ts';
import { readGallery } from '../../model/match/gallery.ts';
import type { Networks } from '../../model/networks.ts';
import { sha256OfFile } from '../../runtime/files.ts';
import { readSettings } from '../../runtime/settings.ts';
import { modelDirectory } from '../../test/model.fixture.ts';
import { knownPhotos } from '../../test/photos.fixture.ts';
import { describeConversion } from '../conversion-report.ts';
import { convertModel } from '../convert-model.ts';
import { encoders } from '../encoders.ts';
import { CheckpointError } from '../errors.ts';
import { listGalleryPhotos } from './gallery-folder.ts';
import { embedPhotos, galleryOf } from './gallery-photos.ts';
import { galleryFolder } from './people.fixture.ts';

const SMALL = 120;

describe('photos of a gallery', { timeout: 300_000 }, () => {
  let networks: Networks;
  let face: Buffer;
  let wall: Buffer;
  before(async () => {
    networks = await openNetworks(await modelDirectory());
    const { images } = await knownPhotos();
    const photo = await readFile(join(images, 'test_000.jpg'));
    const { width } = await sharp(photo).metadata();
    // Small, so that there is something to doubt.
    face = width <= SMALL ? photo : await sharp(photo).resize(SMALL).jpeg().toBuffer();
    const grey = { width: 80, height: 60, channels: 3, background: 'grey' } as const;
    wall = await sharp({ create: grey }).png().toBuffer();
  });
  after(() => networks?.dispose());

  const embed = async (folder: string, onPhoto = (_done: number) => {}) => {
    const listed = await listGalleryPhotos(folder);
    const digests = new Map<string, string>();
    for (const { path } of listed.photos) digests.set(path, await sha256OfFile(path));
    return embedPhotos(networks, listed, digests, onPhoto);
  };

  /** The face, and on its right, on grey, the same in another size; widths in px. */
  async function beside(width: number, other: number): Promise<Buffer> {
    const right = await sharp(face).resize(other).png().toBuffer();
    const left = await sharp(face).resize(width).png().toBuffer();
    return sharp(left)
      .extend({ right: other, background: 'grey' })
      .composite([{ input: right, left: width, top: 0 }])
      .png()
      .toBuffer();
  }

  test('one that cannot be used is left out by name and reason, and the others are taken', async () => {
    const folder = await galleryFolder({
      'Ada/broken.jpg': face.subarray(0, face.length / 2),
      'Ada/couple.png': await beside(64, 64),
      'Ada/good.jpg': face,
      'Ada/phone.jxl': Buffer.from('ff0a7a0f', 'hex'),
      'Ada/twin.jpg': face,
      'Ada/wall.png': wall,
      'stray.jpg': face,
    });
    const { used, leftOut } = await embed(folder);
    assert.deepEqual(
      used.map(({ path }) => relative(folder, path)),
      ['Ada/good.jpg'],
    );
    assert.deepEqual(
      leftOut.map(({ path, why }) => `${relative(folder, path)} ${why}`),
      [
        'stray.jpg lies in no person’s folder',
        'Ada/broken.jpg cannot be used: The image is damaged or cut short: send the whole file again.',
        'Ada/couple.png shows 2 faces of like size: cut out the one of Ada',
        'Ada/phone.jxl cannot be used: JPEG XL images cannot be read: save the photo as JPEG or PNG, then send that.',
        `Ada/twin.jpg is the same file as ${join(folder, 'Ada/good.jpg')}`,
        'Ada/wall.png shows no face',
      ],
    );
  });

  test('a much smaller face beside it does not spoil one', async () => {
    const photo = await beside(256, 64);
    assert.equal(detectFaces(networks, await decodeImage(photo)).length, 2);
    const { used, leftOut } = await embed(await galleryFolder({ 'Ada/guest.png': photo }));
    assert.deepEqual([used.length, leftOut], [1, []]);
  });

  test('one on its side is turned, and embedded as the upright one is', async () => {
    const turned = await sharp(face, { ignoreIcc: true }).rotate(90).png().toBuffer();
    const { used } = await embed(await galleryFolder({ 'Ada/1.jpg': face, 'Ada/2.png': turned }));
    const [upright, other] = used;
    assert.deepEqual([upright!.turned, other!.turned], [0, 270]);
    assert.deepEqual(other!.embedding, upright!.embedding);
  });

  test('a person of whom nothing is left ends it, with each reason', async () => {
    const folder = await galleryFolder({ 'Ada/wall.png': wall, 'Bob/1.jpg': face });
    await assert.rejects(embed(folder), (error) => {
      assert.ok(error instanceof CheckpointError);
      assert.match(error.message, /^No photo of Ada can be used/);
      assert.ok(error.message.includes(`${join(folder, 'Ada/wall.png')} shows no face`));
      return true;
    });
  });

  test('files that cannot be used are left out with their own reason, whoever has a copy', async () => {
    const page = Buffer.from('<html>404</html>');
    const folder = await galleryFolder({
      ...{ 'Ada/1.jpg': face, 'Ada/2.jpg': page, 'Ada/3.jpg': Buffer.of(), 'Ada/4.jpg': wall },
      ...{ 'Ada/5.jpg': page },
      ...{ 'Bob/1.jpg': await beside(256, 64), 'Bob/2.jpg': page, 'Bob/3.jpg': Buffer.of() },
      ...{ 'Bob/4.jpg': wall },
    });
    const { used, leftOut } = await embed(folder);
    assert.equal(used.length, 2);
    const [notAnImage, empty, noFace] = [/a web page/, /empty/, /^shows no face$/];
    const reasons = [notAnImage, empty, noFace, notAnImage, notAnImage, empty, noFace];
    assert.equal(leftOut.length, reasons.length);
    for (const [at, reason] of reasons.entries()) assert.match(leftOut[at]!.why, reason);
  });

  test('one file given as two people’s ends it before the others are read, with both', async () => {
    const folder = await galleryFolder({
      ...{ 'Ada/0.jpg': await beside(256, 64), 'Ada/1.jpg': face, 'Bob/2.jpg': face },
    });
    const noPhoto = () => assert.fail('another photo was embedded first');
    await assert.rejects(embed(folder, noPhoto), (error) => {
      assert.ok(error instanceof CheckpointError);
      for (const file of ['Ada/1.jpg', 'Bob/2.jpg']) {
        assert.ok(error.message.includes(join(folder, file)), error.message);
      }
      return true;
    });
  });

  test('a person is recognised in a model converted with that gallery, and what was left out is said', async (t) => {
    const folder = await galleryFolder({ 'Paul/1.jpg': face, 'Paul/wall.png': wall });
    const model = `${folder}-model`;
    t.after(() => rm(model, { recursive: true, force: true }));
    const options = { checkpoints: readSettings().FACE_CHECKPOINTS, gallery: folder };
    const conversion = await convertModel(model, options);
    assert.match(
      describeConversion(conversion, 1000),
      /: 1 person, .*\nThe gallery has 1 photo of 1 person; 1 left out:\n {2}.*wall\.png shows no face\nPlease look at these again:\n {2}.*1\.jpg has a face of \d\d pixels only: .*$/,
    );
    assert.equal((await convertModel(model, options)).converted, false);
    const [made, alone] = [
      await readGallery(model),
      galleryOf((await embed(folder)).used, encoders.facenet),
    ];
    assert.deepEqual(made.names, alone.names);
    // Not the same kernels: beside bfloat16, float32 is computed by TensorFlow's own.
    const off = made.embeddings.map((value, at) => value - alone.embeddings[at]!);
    assert.ok(Math.hypot(...off) < 1e-5, `${Math.hypot(...off)}`);
    const recognizer = await loadRecognizer(model, { precision: 'float32' });
    try {
      const { faces } = await recognizer.recognize(face);
      const [nearest] = faces[0]?.nearest ?? [];
      assert.equal(nearest?.name, 'Paul');
      assert.ok(nearest.distance < 1e-5, `distance ${nearest.distance}`);
    } finally {
      recognizer.dispose();
    }
  });
});
