import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CheckpointError } from '../errors.ts';
import { readCheckpoint } from './read-checkpoint.ts';
import { put, temporaryFolder } from './temporary-file.fixture.ts';
import {
  instructionsFor,
  legacyFile,
  pickle,
  storage,
  TensorFixture,
  zipFile,
} from './torch-file.fixture.ts';

const folder = temporaryFolder();

async function assertRefused(file: Uint8Array, reason: RegExp): Promise<void> {
  const path = await put(folder, 'hostile.pt', file);
  await assert.rejects(readCheckpoint(path), (error) => {
    assert.ok(error instanceof CheckpointError, String(error));
    assert.ok(error.message.startsWith(`${path} cannot be used: `), error.message);
    assert.match(error.message, reason);
    return true;
  });
}

describe('a tensor that does not fit its storage is refused', () => {
  const ten = storage('0', 'Float', new Float32Array(10));
  for (const [what, tensor] of [
    ['is larger', new TensorFixture(ten, [11])],
    ['starts too late', new TensorFixture(ten, [2], [1], 9)],
    ['steps too far', new TensorFixture(ten, [2, 2], [9, 1])],
    ['repeats one number without end', new TensorFixture(ten, [2 ** 30], [0])],
    [
      'multiplies beyond all numbers',
      new TensorFixture(ten, new Array(60).fill(2 ** 30), new Array(60).fill(1)),
    ],
    ['has a size below zero', new TensorFixture(ten, [-1])],
    ['has an offset below zero', new TensorFixture(ten, [1], [1], -1)],
    ['has a stride below zero', new TensorFixture(ten, [2], [-1], 1)],
    ['has more strides than sizes', new TensorFixture(ten, [2], [2, 1])],
    ['has 65 dimensions', new TensorFixture(ten, new Array(65).fill(1))],
    ['is empty and starts outside', new TensorFixture(ten, [0], [1], 11)],
  ] as const) {
    for (const [layout, write] of [
      ['legacy', legacyFile],
      ['zip', zipFile],
    ] as const) {
      test(`it ${what} (${layout})`, () =>
        assertRefused(
          write([tensor]),
          /beyond its storage|whole number from 0|at most 64|strides/,
        ));
    }
  }

  test('its storage is described in two ways', () => {
    const other = storage('0', 'Float', new Float32Array(9));
    const value = [new TensorFixture(ten, [1]), new TensorFixture(other, [1])];
    return assertRefused(zipFile(value), /describes its storage "0" in two ways/);
  });

  test('its storage is missing', () => {
    const object = pickle(instructionsFor([new TensorFixture(ten, [1])], { legacy: false }));
    return assertRefused(zipFile([], { object }), /storage "0" is missing/);
  });

  test('its storage is shorter than announced', () => {
    const short = { 'archive/data/0': new Uint8Array(39) };
    return assertRefused(
      zipFile([new TensorFixture(ten, [1])], { entries: short }),
      /has 39 bytes where 40 are announced/,
    );
  });

  test('its storage has another length in the legacy layout', () => {
    const file = legacyFile([new TensorFixture(ten, [1])]);
    file.writeBigUInt64LE(11n, file.length - 48);
    return assertRefused(file, /has 11 elements where 10 are announced/);
  });
});
