/** Faces in a file are found as faces in memory are, mapped or read, whatever happened to the index beside it. */
import assert from 'node:assert/strict';
import {
  mkdir,
  mkdtemp,
  open,
  readFile,
  rm,
  stat,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { mapFile } from '../native/mapped-file.ts';
import { FaceBlock } from './face-block.ts';
import { type FaceFile, indexPath, openFaceFile } from './face-file.ts';
import { Query } from './query.ts';
import { noise } from './vectors.fixture.ts';

const [ROWS, LENGTH, FROM] = [5000, 128, 64 * 3];

const values = noise(5);
const embeddings = Float32Array.from({ length: ROWS * LENGTH }, () => values.next().value!);
const queries = [0, 17, 4999].map((row) => {
  const query = embeddings.slice(row * LENGTH, (row + 1) * LENGTH);
  return query.map((value) => value + 0.3 * values.next().value!);
});
const expected = answersOf(FaceBlock.of(embeddings, LENGTH));

let folder: string;
let file: FaceFile;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'elastic face file-'));
  const path = join(folder, 'segment.bin');
  await writeFile(path, Buffer.concat([Buffer.alloc(FROM), new Uint8Array(embeddings.buffer)]));
  file = { path, from: FROM, rows: ROWS, length: LENGTH, digest: 'one' };
});
after(() => rm(folder, { recursive: true }));

const index = (): string => indexPath(file.path);
const never = (): boolean => false;

function answersOf(block: FaceBlock): number[][] {
  return queries.map((query) => {
    const one = new Query(query);
    const rows = block.searchFrom(one).within(20);
    return [...rows, ...block.squaresTo(one, rows)];
  });
}

/** When the index was last written; made old first, so that a new one is seen. */
async function isWrittenBy(work: () => Promise<unknown>): Promise<boolean> {
  await utimes(index(), 0, 0);
  await work();
  return (await stat(index())).mtimeMs > 0;
}

test('a file that is mapped, or read, answers as memory does', async () => {
  for (const map of [mapFile, never, mapFile]) {
    const block = await openFaceFile(file, map);
    assert.equal(block.rows, ROWS);
    assert.deepEqual(answersOf(block), expected);
  }
});

test('a block that is cleared has overwritten what it held, and leaves its file as it was', async () => {
  const before = await readFile(file.path);
  for (const map of [mapFile, never]) {
    const block = await openFaceFile(file, map);
    block.clear();
    if (map === never) assert.ok(block.row(1).every((value) => value === 0));
  }
  assert.deepEqual(await readFile(file.path), before);
  assert.deepEqual(answersOf(await openFaceFile(file)), expected);
  const own = embeddings.slice(0, LENGTH);
  FaceBlock.of(own, LENGTH).clear();
  assert.ok(own.every((value) => value === 0));
});

test('an index is made once, and again for other content', async () => {
  const other = { ...file, digest: 'another' };
  await openFaceFile(file);
  assert.equal(await isWrittenBy(() => openFaceFile(file)), false);
  assert.equal(await isWrittenBy(() => openFaceFile(other)), true);
  assert.equal(await isWrittenBy(() => openFaceFile(other)), false);
  assert.equal(((await stat(index())).mode & 0o777).toString(8), '600');
});

test('several that open it at once make one index', async () => {
  await rm(index(), { force: true });
  const blocks = await Promise.all([1, 2, 3].map(() => openFaceFile(file)));
  for (const block of blocks) assert.deepEqual(answersOf(block), expected);
});

test('an index that is torn, forged or no index is made again', async () => {
  await openFaceFile(file);
  const whole = await readFile(index());
  const damages: [string, () => Promise<unknown>][] = [
    ['torn', () => truncate(index(), whole.length - 100_000)],
    ['empty', () => truncate(index(), 0)],
    ['another text', () => writeFile(index(), '{"format": 1}')],
    ['one byte changed', () => changeByte(whole.length - 100_000)],
  ];
  for (const [what, damage] of damages) {
    await damage();
    for (const map of [mapFile, never]) {
      assert.deepEqual(answersOf(await openFaceFile(file, map)), expected, what);
    }
    assert.deepEqual(await readFile(index()), whole, what);
  }
});

async function changeByte(at: number): Promise<void> {
  const handle = await open(index(), 'r+');
  const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, at);
  await handle.write(Buffer.of(buffer[0]! ^ 1), 0, 1, at);
  await handle.close();
}

test('where no index can be written, it is made in memory', async () => {
  await rm(index(), { force: true });
  // A folder in its place can be neither read nor replaced.
  await mkdir(index());
  assert.deepEqual(answersOf(await openFaceFile(file)), expected);
  await rm(index(), { recursive: true });
});

test('few faces need no index; a file that ends too early or holds no numbers is refused', async () => {
  const few = { ...file, path: join(folder, 'few.bin'), rows: 2, from: 0 };
  await writeFile(few.path, new Uint8Array(embeddings.buffer, 0, 2 * LENGTH * 4));
  assert.equal((await openFaceFile(few)).rows, 2);
  await assert.rejects(stat(indexPath(few.path)), { code: 'ENOENT' });
  await assert.rejects(openFaceFile({ ...few, rows: 3 }), /ends before its 3 embeddings/);
  const broken = { ...file, path: join(folder, 'broken.bin'), from: 0 };
  await writeFile(
    broken.path,
    new Uint8Array(embeddings.map((v, at) => (at === 9 ? Number.NaN : v)).buffer),
  );
  await assert.rejects(openFaceFile(broken), /not a number/);
});
