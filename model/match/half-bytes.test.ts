/** The products in WebAssembly are those of whole numbers, exactly, and no bound is above what it bounds. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HalfBytes } from './half-bytes.ts';
import { CHUNK_ROWS } from './half-bytes-layout.ts';
import { packQuery } from './packed-query.ts';
import { Query } from './query.ts';
import { Shortlist } from './shortlist.ts';
import { noise } from './vectors.fixture.ts';

const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((sum, value, at) => sum + value * b[at]!, 0);

/** The bytes of a row, from its halves. */
function bytesOf(packed: HalfBytes, row: number): number[] {
  const length = packed.whole.length;
  const chunkAt = packed.chunksAt + Math.floor(row / CHUNK_ROWS) * CHUNK_ROWS * (length + 16);
  const at = chunkAt + (row % CHUNK_ROWS) * (length / 2);
  const halves = [at, at + (CHUNK_ROWS * length) / 2].map(
    (from) => new Uint8Array(packed.memory, from, length / 2),
  );
  return Array.from({ length }, (_, value) => {
    const byte = Math.floor(value / 32) * 16 + (value % 16);
    const shift = value % 32 < 16 ? 0 : 4;
    const [upper, lower] = halves.map((half) => (half[byte]! >> shift) & 15);
    return upper! * 16 + lower!;
  });
}

for (const [rows, length] of [
  [1, 512],
  [CHUNK_ROWS + 1, 512],
  [CHUNK_ROWS, 128],
  [5, 256],
  [3, 1024],
] as const) {
  test(`${rows} rows of ${length} have the products of plain arithmetic`, () => {
    const packed = HalfBytes.open(rows, length)!;
    const values = noise(rows + length);
    const all = new Uint8Array(packed.memory, packed.chunksAt, packed.chunksBytes);
    for (let at = 0; at < all.length; at++) all[at] = Math.floor(128 * (1 + values.next().value!));
    for (let at = 0; at < length; at++) {
      packed.whole[at] = Math.round(127 * values.next().value!);
      packed.fine[at] = Math.round(127 * values.next().value!);
    }
    for (const row of [rows - 1, 0, Math.floor(rows / 2)]) {
      const bytes = bytesOf(packed, row);
      const expected = [dot(bytes, packed.whole), dot(bytes, packed.fine)];
      assert.deepEqual(packed.products(row), expected);
    }
  });
}

test('the largest values of either sign do not overflow', () => {
  const packed = HalfBytes.open(1, 1024)!;
  new Uint8Array(packed.memory, packed.chunksAt, packed.chunksBytes).fill(255);
  packed.whole.fill(-127);
  packed.fine.fill(127);
  const most = 1024 * 127 * 255;
  assert.deepEqual(packed.products(0), [-most, most]);
  const { columns } = packed.columnsOf(0);
  columns.scales.fill(0.5);
  columns.squares.fill(4);
  columns.upperLosses.fill(8);
  packed.bound({ constant: 1, square: 10, length: 100, product: 2, scale: 3, loss: 1000 });
  assert.equal(packed.bounds[0], 1 + 40 + 200 + 8000 + 0.5 * (2 * -1024 * 127 * 15 + 3));
});

test('a query is two vectors of whole numbers and a small loss', () => {
  const values = noise(3);
  const query = Float32Array.from({ length: 64 }, () => values.next().value!);
  const { whole, fine, scale, fineScale, sum, fineSum, wholeLoss, loss } = packQuery(query);
  const lossOf = (told: (at: number) => number): number =>
    Math.hypot(...query.map((value, at) => value - told(at)));
  assert.ok(Math.abs(wholeLoss - lossOf((at) => scale * whole[at]!)) < 1e-6);
  assert.ok(Math.abs(loss - lossOf((at) => scale * whole[at]! + fineScale * fine[at]!)) < 1e-6);
  assert.ok(loss < wholeLoss / 100);
  assert.deepEqual(
    [sum, fineSum],
    [
      dot(
        whole,
        whole.map(() => 1),
      ),
      dot(
        fine,
        fine.map(() => 1),
      ),
    ],
  );
  assert.equal(packQuery(new Float32Array(64)).loss, 0);
});

test('a row that is as near as the limit is within it, however long vectors are', () => {
  for (const size of [0, 1e-38, 1e-20, 1e-12, 1e-3, 1, 1e4, 1e14, 1e18, 3e38]) {
    const values = noise(11);
    const vectors = Array.from({ length: 40 }, (_, index) =>
      Float32Array.from({ length: 128 }, () =>
        Math.fround(size * values.next().value! * 10 ** -(index % 3)),
      ),
    );
    const packed = HalfBytes.open(vectors.length, 128)!;
    for (const [row, vector] of vectors.entries()) packed.pack(row, vector);
    const list = new Shortlist(packed, vectors.length);
    for (const query of [...vectors, new Float32Array(128)]) {
      list.lookFrom(new Query(query));
      for (const [row, vector] of vectors.entries()) {
        const square = vector.reduce((sum, value, at) => sum + (value - query[at]!) ** 2, 0);
        assert.ok(list.within(square).includes(row), `${size}: ${square}`);
      }
    }
  }
});

test('what 32-bit addresses do not reach is refused', () => {
  assert.equal(HalfBytes.open(2 ** 23 + 1, 512), undefined);
});

test('packed rows are what they stand for, but for their losses', () => {
  const values = noise(17);
  const packed = HalfBytes.open(3, 128)!;
  const rows = [0, 1, 2].map((row) =>
    Float32Array.from({ length: 128 }, () => values.next().value! * 10 ** row),
  );
  rows[1]!.fill(0);
  for (const [row, vector] of rows.entries()) packed.pack(row, vector);
  for (const [row, vector] of rows.entries()) {
    const { columns, inChunk } = packed.columnsOf(row);
    const scale = columns.scales[inChunk]!;
    const lossOf = (told: (byte: number) => number): number =>
      Math.hypot(...bytesOf(packed, row).map((byte, at) => vector[at]! - scale * told(byte)));
    const [loss, upperLoss] = [lossOf((u) => u - 128), lossOf((u) => 16 * (u >> 4) - 120.5)];
    assert.ok(
      Math.abs(columns.squares[inChunk]! - dot(vector, vector)) <= 1e-5 * dot(vector, vector),
    );
    for (const [actual, least] of [
      [columns.losses[inChunk]!, loss],
      [columns.upperLosses[inChunk]!, upperLoss],
    ] as const) {
      assert.ok(
        actual >= least && actual <= least * 1.001 + 1e-4 * 10 ** row,
        `${actual} ${least}`,
      );
    }
    assert.ok(loss <= Math.sqrt(dot(vector, vector)) / 100);
  }
  assert.throws(() => packed.pack(0, new Float32Array(128).fill(Number.NaN, 5, 6)), /not a number/);
  assert.throws(() => packed.pack(0, new Float32Array(128).fill(Infinity, 127)), /not a number/);
});

test('rows that are no multiple of 128, or too long to be summed exactly, are refused', () => {
  assert.equal(HalfBytes.open(2, 192), undefined);
  assert.equal(HalfBytes.open(2, 2048), undefined);
});
