/** Scales cut into strips and put on canvases answer as each scale in one piece. */
import assert from 'node:assert/strict';
import { after, before, describe, it, type TestContext } from 'node:test';
import { modelDirectory } from '../../../test/model.fixture.ts';
import { openNetworks } from '../../backend/open-networks.ts';
import { BackendError } from '../../errors.ts';
import type { Networks } from '../../networks.ts';
import type { Level } from '../pyramid.ts';
import { proposeOnScales } from './propose.ts';

/** Smooth waves and some noise, so that P-Net's answers lie on both sides of the threshold. */
function level(width: number, height: number): Level {
  let seed = width * 1000 + height;
  const data = Float32Array.from({ length: width * height * 3 }, (_, at) => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    const [x, y] = [Math.floor(at / 3) % width, Math.floor(at / 3 / width)];
    return Math.sin(x / 5 + (at % 3)) * Math.cos(y / 4) * 0.8 + seed / 2 ** 32 / 5 - 0.1;
  });
  return { scale: 0.6, left: 0, top: 0, width, height, data };
}

describe('P-Net on blocks', { timeout: 120_000 }, () => {
  let networks: Networks | undefined;
  let unavailable = '';
  before(async () => {
    try {
      networks = await openNetworks(await modelDirectory(), { backend: 'tensorflow' });
    } catch (error) {
      if (!(error instanceof BackendError)) throw error;
      unavailable = error.message;
    }
  });
  after(() => networks?.dispose());

  const sizes = [
    [11, 12],
    [12, 11],
    [48, 48],
    [49, 50],
    [50, 49],
    [51, 53],
    [266, 60],
    [267, 301],
    [530, 529],
  ] as const;
  for (const [width, height] of sizes) {
    it(`gives the cells that P-Net gives: ${width} x ${height}`, (context: TestContext) => {
      if (networks === undefined) return context.skip(unavailable);
      compare(networks, [[level(width, height)]]);
    });
  }

  it('gives each scale its own cells, however they share canvases', (context: TestContext) => {
    if (networks === undefined) return context.skip(unavailable);
    const parts = (left: number) => ({ ...level(60, 40), left });
    compare(networks, [
      [level(301, 267)],
      [level(213, 189)],
      [parts(0), parts(100)],
      [level(25, 17)],
      [level(12, 12)],
    ]);
  });
});

/** Every cell is a proposal then. */
const ALL = 1e-30;

function compare(networks: Networks, scales: readonly (readonly Level[])[]): void {
  const { propose } = networks;
  const whole = proposeOnScales({ propose }, scales, ALL);
  const drawn = proposeOnScales(networks, scales, ALL);
  assert.ok(whole[0]!.scores.length > 0, 'there are proposals to compare');
  for (const [index, expected] of whole.entries()) {
    assert.deepEqual(drawn[index]!.boxes, expected.boxes);
    for (const part of ['scores', 'regression'] as const) {
      for (const [at, value] of expected[part].entries()) {
        const off = Math.abs(drawn[index]![part][at]! - value);
        assert.ok(off < 1e-5, `${part} ${at}: ${value}`);
      }
    }
  }
}
