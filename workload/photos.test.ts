import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { WorkloadError } from './errors.ts';
import {
  type ImageFile,
  judge,
  listImages,
  parseCsv,
  parsePredictions,
  readPredictions,
  requirePredictions,
  shorten,
} from './photos.ts';

const image = (name: string): ImageFile => ({
  path: `/photos/${name}`,
  name,
  stem: name.replace(/\.[^.]*$/, ''),
});

test('quotes, doubled quotes, commas and line ends inside quotes are read as RFC 4180 says', () => {
  assert.deepEqual(parseCsv('a,b\r\n"x, y","he said ""no"""\n"two\nlines",\n\nlast,""'), [
    ['a', 'b'],
    ['x, y', 'he said "no"'],
    ['two\nlines', ''],
    ['last', ''],
  ]);
});

test('an unbalanced quote is reported, not guessed at', () => {
  assert.throws(() => parseCsv('Image,Results\n"test_00,Paul\n'), /unbalanced quote/);
});

test('columns are found by name, in any order, behind a byte order mark', () => {
  const predictions = parsePredictions('\uFEFFId,Results,Image\n1, Paul ,test_00\n', 'p.csv');
  assert.deepEqual([...predictions], [['test_00', 'Paul']]);
});

test('the first of two rows for an image counts', () => {
  const predictions = parsePredictions('Image,Results\na,Paul\na,Emily\n', 'p.csv');
  assert.equal(predictions.get('a'), 'Paul');
});

for (const [what, text, message] of [
  ['without the columns', 'file,name\na,Paul\n', /columns Image and Results.*'file,name'/],
  ['that is empty', '', /columns Image and Results/],
  ['without rows', 'Image,Results\n', /no row/],
  ['with a nameless row', 'Image,Results\na,\n', /without an image or a result/],
] as const) {
  test(`a prediction file ${what} is refused, naming the flag and the file`, () => {
    assert.throws(
      () => parsePredictions(text, 'p.csv'),
      (error: Error) => {
        assert.ok(error instanceof WorkloadError);
        assert.match(error.message, message);
        assert.match(error.message, /--prediction_file p\.csv/);
        return true;
      },
    );
  });
}

test('a prediction file is read from the disk; a missing one names the flag', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'predictions-'));
  try {
    const path = join(folder, 'right.csv');
    await writeFile(path, 'Image,Results\ntest_00,Paul\n');
    assert.equal((await readPredictions(path)).get('test_00'), 'Paul');
    await assert.rejects(readPredictions(join(folder, 'none.csv')), /--prediction_file .*ENOENT/);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('images the predictions do not know are told before a run', () => {
  const predictions = new Map([['a', 'Paul']]);
  requirePredictions(predictions, [image('a.jpg')]);
  assert.throws(
    () =>
      requirePredictions(
        predictions,
        ['a', 'b', 'c'].map((name) => image(`${name}.jpg`)),
      ),
    /no row for 2 of 3 images .*\(b, c\)/,
  );
});

test('an answer is right when stem and name are, whatever white space ends it', () => {
  const predictions = new Map([['test_00', 'Paul']]);
  assert.deepEqual(judge(image('test_00.jpg'), 'test_00:Paul\n', predictions), {
    verdict: 'correct',
  });
  assert.deepEqual(judge(image('test_00.jpg'), 'test_00:Emily', predictions), {
    verdict: 'wrong',
    why: 'expected Paul, got Emily',
  });
});

test('a row may name the whole file', () => {
  const predictions = new Map([['test_00.jpg', 'Paul']]);
  assert.equal(judge(image('test_00.jpg'), 'test_00:Paul', predictions).verdict, 'correct');
});

test('a stem with dots and colons is taken as it is', () => {
  assert.equal(judge(image('a.b:c.jpg'), 'a.b:c:Paul').verdict, 'unjudged');
});

for (const answer of ['test_01:Paul', 'Paul', 'test_00:', '', '<html>test_00:Paul</html>']) {
  test(`the answer '${answer}' to test_00.jpg is wrong even without predictions`, () => {
    assert.equal(judge(image('test_00.jpg'), answer).verdict, 'wrong');
  });
}

test('a long text becomes one short line', () => {
  assert.equal(shorten(' two\n lines '), 'two lines');
  assert.equal(shorten('x'.repeat(500), 10), `${'x'.repeat(9)}…`);
});

test('a name in decomposed letters, as macOS lists it, is that of the answer and of the CSV', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'elastic-face-names-'));
  await writeFile(join(folder, 'Zoe\u0308.jpg'), 'x');
  const [zoe] = await listImages(folder);
  await rm(folder, { recursive: true });
  assert.equal(zoe?.stem, 'Zo\u00eb');
  for (const csv of ['Zo\u00eb', 'Zoe\u0308', 'Zoe\u0308.jpg']) {
    const predictions = parsePredictions(`Image,Results\n${csv},Ada\n`, 'p.csv');
    assert.deepEqual(judge(zoe as ImageFile, 'Zo\u00eb:Ada', predictions), { verdict: 'correct' });
  }
});
