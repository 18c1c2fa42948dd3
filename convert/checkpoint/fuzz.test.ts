import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { damaged, FUZZ_TIMEOUT_MS, fuzzCases } from '../../test/fuzz.fixture.ts';
import { CheckpointError } from '../errors.ts';
import { numpyArray, safetensorsFile } from './other-forms.fixture.ts';
import { readCheckpoint } from './read-checkpoint.ts';
import { temporaryFolder } from './temporary-file.fixture.ts';
import { legacyFile, pickle, storage, TensorFixture, zipFile } from './torch-file.fixture.ts';

const path = join(temporaryFolder(), 'fuzzed.pt');
const value = new Map([
  ['weight', new TensorFixture(storage('0', 'Float', new Float32Array(12)), [3, 4])],
  ['bias', new TensorFixture(storage('1', 'Half', new Uint16Array(4)), [4])],
]);

async function isReadOrRefused(file: Uint8Array): Promise<void> {
  await writeFile(path, file);
  const start = performance.now();
  await readCheckpoint(path).catch((error: unknown) => {
    assert.ok(error instanceof CheckpointError, String(error));
  });
  assert.ok(performance.now() - start < 5000, 'it takes no longer than a file of its size');
  assert.deepEqual(Object.keys(Object.prototype), []);
}

test('a damaged checkpoint is read or refused by a CheckpointError, never anything else', {
  timeout: FUZZ_TIMEOUT_MS,
}, async () => {
  const bytes = new Uint8Array(16);
  const array = numpyArray({ type: 'f4', shape: [2, 2], content: bytes });
  const files = damaged([
    legacyFile(value),
    zipFile(value),
    zipFile([], { object: pickle(array) }),
    safetensorsFile({ weight: { dtype: 'F32', shape: [4], bytes } }),
  ]);
  await fc.assert(fc.asyncProperty(files, isReadOrRefused), { numRuns: fuzzCases });
});

test('a pickle of random instructions is read or refused by a CheckpointError', {
  timeout: FUZZ_TIMEOUT_MS,
}, async () => {
  const instructions = [...'(.0125FNIJKLMPQRSUVX}]abcdeghijlopqrstu'].map((one) =>
    one.charCodeAt(0),
  );
  const byte = fc.oneof(
    fc.constantFrom(...instructions, ...Array.from({ length: 24 }, (_, i) => 0x80 + i)),
    fc.nat({ max: 255 }),
  );
  const objects = fc.array(byte, { maxLength: 40 }).map((bytes) => Buffer.from([...bytes, 0x2e]));
  await fc.assert(
    fc.asyncProperty(objects, fc.boolean(), async (object, zip) => {
      await isReadOrRefused(zip ? zipFile([], { object }) : legacyFile([], { object }));
    }),
    { numRuns: fuzzCases },
  );
});
