/** Weights that TensorFlow maps can be given back, and are read again when they are needed. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it, type TestContext } from 'node:test';
import { modelDirectory } from '../../test/model.fixture.ts';
import { BackendError } from '../errors.ts';
import { modelFiles } from '../format.ts';
import { releaseMappedPages } from '../native/mapped-pages.ts';
import { tfjsNodeFolder } from '../native/paths.ts';
import { addOwnAddon } from '../native/set-up/own-addons.ts';
import { openNetworks } from './open-networks.ts';

/** kB of the detection weights that this process has mapped pages of. */
function mappedWeights(): number {
  const regions = readFileSync('/proc/self/smaps', 'utf8').split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m);
  return regions
    .filter((region) => region.split('\n')[0]!.endsWith(`/${modelFiles.detectionWeights}`))
    .reduce((sum, region) => sum + Number(/^Rss:\s+(\d+)/m.exec(region)?.[1]), 0);
}

describe('mapped weights', { timeout: 60_000 }, () => {
  it('are given back with the pages of libraries; answers stay the same', async (context: TestContext) => {
    const directory = await modelDirectory();
    let networks: Awaited<ReturnType<typeof openNetworks>>;
    try {
      if (!(await addOwnAddon('pages', tfjsNodeFolder)))
        return context.skip('needs a C++ compiler');
      networks = await openNetworks(directory, { backend: 'tensorflow' });
    } catch (error) {
      if (!(error instanceof BackendError)) throw error;
      return context.skip(error.message);
    }
    const crop = Float32Array.from({ length: 24 * 24 * 3 }, (_, at) => Math.sin(at / 9));
    const expected = networks.refine(crop, 1);
    const before = mappedWeights();
    assert.ok(before > 100, `${before} kB`);
    assert.ok(releaseMappedPages(directory) > 1e6);
    assert.ok(mappedWeights() < before / 4, `${mappedWeights()} of ${before} kB`);
    assert.deepEqual(networks.refine(crop, 1), expected);
    networks.dispose();
  });
});
