/** The command as a person runs it: a real process, its lines, its exit code. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import sharp from 'sharp';
import { modelDirectory } from '../test/model.fixture.ts';
import { courseImages, courseNames, parityPhotoPath, sharedMissing } from './shared.fixture.ts';

let folder: string;
let model: string;

before(async () => {
  model = await modelDirectory();
  folder = await mkdtemp(join(tmpdir(), 'elastic-face-recognize-'));
  const plain = { create: { width: 80, height: 60, channels: 3, background: '#8090a0' } } as const;
  await sharp(plain).jpeg().toFile(join(folder, 'no-face.jpg'));
  await writeFile(join(folder, 'broken.jpg'), Buffer.from('ffd8ffe000104a464946000101', 'hex'));
  await mkdir(join(folder, 'empty'));
});
after(() => rm(folder, { recursive: true }));

function start(parameters: string[], settings: Record<string, string> = {}) {
  const program = join(import.meta.dirname, '../elastic-face.ts');
  return spawn(process.execPath, [program, 'recognize', ...parameters], {
    env: { ...process.env, MODEL_DIR: model, BACKEND: 'wasm', ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

async function recognize(parameters: string[], settings?: Record<string, string>) {
  const child = start(parameters, settings);
  const exit = new Promise<number | null>((resolve) => child.once('close', resolve));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { stdout, stderr, lines: stdout.trimEnd().split('\n'), code: await exit };
}

describe('with the course’s photos', { skip: sharedMissing }, () => {
  let photos: string;

  before(async () => {
    photos = join(folder, 'photos');
    await mkdir(photos);
    const images = courseImages(100);
    for (const name of ['test_01.jpg', 'test_00.jpg', 'test_02.jpg']) {
      await writeFile(join(photos, name), images.get(name)!);
    }
    await writeFile(join(photos, 'notes.txt'), 'not a photo');
    await writeFile(join(photos, '.hidden.jpg'), 'not a photo');
    await mkdir(join(photos, 'folder.jpg'));
  });

  test('a photo is one line, its stem and a name', async () => {
    const { stdout, code } = await recognize([join(photos, 'test_00.jpg')]);
    assert.equal(stdout, 'test_00:Paul\n');
    assert.equal(code, 0);
  });

  test('a folder is its images sorted by name, and nothing else in it', async () => {
    const { stdout, code } = await recognize([photos]);
    const names = courseNames(100);
    const expected = ['test_00', 'test_01', 'test_02'].map(
      (stem) => `${stem}:${names.get(stem)}\n`,
    );
    assert.equal(stdout, expected.join(''));
    assert.equal(code, 0);
  });

  test('failures have their own lines, the other photos are answered, the exit code is 1', async () => {
    const missing = join(folder, 'missing.jpg');
    const named = [folder, missing, join(folder, 'empty'), join(photos, 'test_00.jpg')];
    const { stdout, stderr, code } = await recognize(named);
    assert.equal(stdout, 'test_00:Paul\n');
    const failures = stderr.trimEnd().split('\n');
    assert.equal(failures.length, 4);
    assert.match(
      failures[0]!,
      /broken\.jpg: The image is damaged or cut short: send the whole file again\.$/,
    );
    assert.equal(failures[1], `${join(folder, 'no-face.jpg')}: No face was found in the image.`);
    assert.equal(failures[2], `${missing}: There is no such file.`);
    assert.equal(failures[3], `${join(folder, 'empty')}: The folder holds no images.`);
    assert.equal(code, 1);
  });

  test('with --json a photo is one object, and so is a failure', async () => {
    const photo = join(photos, 'test_00.jpg');
    const broken = join(folder, 'broken.jpg');
    const { lines, code } = await recognize(['--json', '--top', '2', photo, broken]);
    assert.equal(lines.length, 2);
    const [answer, failure] = lines.map((line) => JSON.parse(line));
    assert.deepEqual(Object.keys(answer), [
      'file',
      'name',
      'distance',
      'odds',
      'box',
      'probability',
      'landmarks',
      'nearest',
      'quality',
      'precision',
      'precisionReason',
    ]);
    assert.equal(answer.precision, 'float32');
    assert.match(answer.precisionReason, /wasm/);
    assert.equal(answer.file, photo);
    assert.equal(answer.name, 'Paul');
    assert.equal(answer.nearest.length, 2);
    const { name, distance, odds } = answer;
    assert.deepEqual(answer.nearest[0], { name, distance, odds });
    assert.ok(odds >= 1);
    assert.equal(answer.box.length, 4);
    assert.equal(answer.landmarks.length, 5);
    assert.deepEqual(Object.keys(failure), ['file', 'error']);
    assert.match(failure.error, /damaged/);
    assert.equal(code, 1);
  });

  test('with --explain each line says how sure it is, and what is wrong', async () => {
    const { lines } = await recognize(['--explain', join(photos, 'test_00.jpg')]);
    assert.match(
      lines[0]!,
      /^test_00:Paul\t1 in [\d.,]+ strangers would be as near\. The face is small: 25 pixels\.$/,
    );
  });

  test('with --embeddings the JSON holds the embedding', async () => {
    const { lines } = await recognize(['--json', '--embeddings', join(photos, 'test_00.jpg')]);
    const { embedding } = JSON.parse(lines[0]!);
    assert.equal(embedding.length, 512);
    assert.ok(Math.abs(Math.hypot(...embedding) - 1) < 1e-5);
  });

  test('with --all-faces every face has a line, or a place in the JSON’s list', async () => {
    const photo = parityPhotoPath('multiface.jpg');
    const plain = await recognize(['--all-faces', photo]);
    assert.equal(plain.lines.length, 6);
    for (const line of plain.lines) assert.match(line, /^multiface:\S/);
    const { lines } = await recognize(['--all-faces', '--json', photo]);
    assert.equal(lines.length, 1);
    const { faces, ...largest } = JSON.parse(lines[0]!);
    assert.deepEqual(
      faces.map(({ name }: { name: string }) => `multiface:${name}`),
      plain.lines,
    );
    const precision = { precision: 'float32', precisionReason: 'the only precision on wasm' };
    assert.deepEqual({ file: photo, ...faces[0], ...precision }, largest);
  });

  test('with --draw each photo is written with its faces, and the lines are as without', async () => {
    const drawn = join(folder, 'drawn');
    const named = [join(photos, 'test_00.jpg'), parityPhotoPath('multiface.jpg')];
    const { lines, code } = await recognize(['--draw', drawn, '--all-faces', ...named]);
    assert.equal(lines.length, 7);
    assert.equal(code, 0);
    for (const path of named) {
      const before = await sharp(path).metadata();
      const after = await sharp(join(drawn, basename(path))).metadata();
      assert.deepEqual([after.width, after.height], [before.width, before.height]);
    }
    const again = await recognize(['--draw', photos, named[0]!]);
    assert.match(again.stderr, /test_00\.jpg: .*would overwrite a photo: name another folder/);
    assert.equal(again.code, 1);
  });

  test('a reader that stops early ends the program without a complaint', async () => {
    const child = start([photos, photos, photos, photos]);
    const complaints = text(child.stderr);
    const exit = new Promise<number | null>((resolve) => child.once('close', resolve));
    child.stdout.once('data', () => child.stdout.destroy());
    assert.equal(await exit, 0);
    assert.equal(await complaints, '');
  });
});

test('a folder without a model is one sentence that names the command to run', async () => {
  const { stdout, stderr, code } = await recognize([join(folder, 'no-face.jpg')], {
    MODEL_DIR: join(folder, 'empty'),
  });
  assert.equal(stdout, '');
  assert.match(stderr, /^There is no converted model in .*npm run convert.*\n$/);
  assert.equal(code, 1);
});

for (const [flags, sentence] of [
  [['--top', '0'], /--top must be a whole number of at least 1/],
  [['--backend', 'abacus'], /backend/],
  [['--threads', '0'], /THREADS must be at least 1/],
  [['--embeddings'], /--embeddings needs --json/],
] as const) {
  test(`${flags.join(' ')} is refused with a message that names it`, async () => {
    const { stdout, stderr, code } = await recognize([...flags, join(folder, 'no-face.jpg')]);
    assert.equal(stdout, '');
    assert.match(stderr, sentence);
    assert.doesNotMatch(stderr, /\n\s+at /, 'no stack trace');
    assert.notEqual(code, 0);
  });
}
