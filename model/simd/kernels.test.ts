import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { compileKernel } from './compile.ts';
import { kernelFile, kernelNames, MemoryLayout, newMemory, openKernel } from './kernels.ts';

describe('a compiled kernel', { timeout: 120_000 }, () => {
  for (const name of kernelNames) {
    it(`${name} is what its source compiles to; else run \`npm run kernels\``, async () => {
      const compiled = await compileKernel(name);
      assert.ok(Buffer.compare(await readFile(kernelFile(name)), compiled) === 0);
    });

    it(`${name} opens over one page of memory`, () => {
      assert.ok(openKernel(name, newMemory(1)!));
    });
  }
});

it('a memory of more than 4 GB is refused', () => {
  assert.equal(newMemory(2 ** 32 + 1), undefined);
});

it('a layout assigns addresses that are aligned and do not overlap', () => {
  const layout = new MemoryLayout();
  assert.deepEqual(
    [layout.take(1), layout.take(16), layout.take(17), layout.bytes],
    [0, 16, 32, 64],
  );
});
