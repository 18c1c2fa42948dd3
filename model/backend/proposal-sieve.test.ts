/** The sieve leaves out no cell that P-Net would propose, and few others stay. */
import assert from 'node:assert/strict';
import { after, before, describe, it, type TestContext } from 'node:test';
import { scalesOf } from '../detect/cascade.ts';
import { collage } from '../detect/collage.fixture.ts';
import { proposeOnScales } from '../detect/propose/propose.ts';
import { buildPyramid } from '../detect/pyramid.ts';
import { type Networks, SIEVE_TILE } from '../networks.ts';
import { courseImages, sharedMissing } from '../shared.fixture.ts';
import { openSieved } from './sieve.fixture.ts';

/** Of a face minus that of no face: P-Net's threshold of 0.6. */
const LEAST_LOGIT = Math.log(0.6 / 0.4);
/** A third of the margin with which detection uses the sieve. */
const ERROR = 0.067;

/** COLLAGES=100 compares that many. */
const COLLAGES = Number(process.env.COLLAGES ?? 1);

type Paint = (x: number, y: number, colour: number) => number;

/** Values of -1 to 1; equal seeds give equal ones. */
function randomBy(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 31 - 1;
  };
}

const noise = randomBy(1);
const pictures: Record<string, Paint> = {
  'smooth waves': (x, y, colour) => Math.sin(x / 5 + colour) * Math.cos(y / 4) * 0.9,
  'waves with noise': (x, y, colour) =>
    Math.sin(x / 7 + colour) * Math.cos(y / 3) * 0.8 + noise() / 6,
  'noise of full strength': () => noise(),
  'black and white squares': (x, y) =>
    ((x >> 2) + (y >> 2)) % 2 === 0 ? 127.5 / 128 : -127.5 / 128,
};

function painted(width: number, height: number, paint: Paint): Float32Array {
  return Float32Array.from({ length: width * height * 3 }, (_, at) => {
    const pixel = Math.floor(at / 3);
    return paint(pixel % width, Math.floor(pixel / width), at % 3);
  });
}

describe('the sieve for P-Net', { timeout: 120_000 }, () => {
  let networks: Networks | undefined;
  let unavailable: string;
  before(async () => {
    ({ networks, unavailable } = await openSieved());
  });
  after(() => networks?.dispose());

  for (const [name, paint] of Object.entries(pictures)) {
    it(`marks the tiles in which P-Net reaches the logit, and no others: ${name}`, (context: TestContext) => {
      if (networks?.sieve === undefined) return context.skip(unavailable);
      for (const [width, height] of [
        [11, 12],
        [48, 49],
        [137, 60],
        [202, 203],
      ] as const) {
        assertMarked(networks, painted(width, height, paint), width, height);
      }
    });
  }

  it(`does so on every scale of ${COLLAGES} collages of faces`, {
    skip: sharedMissing,
  }, async (context: TestContext) => {
    if (networks?.sieve === undefined) return context.skip(unavailable);
    const photos = [...courseImages(100).values()];
    for (let seed = 1; seed <= COLLAGES; seed++) {
      const image = await collage(photos, seed);
      for (const { data, width, height } of buildPyramid(image, scalesOf(image))) {
        assertMarked(networks, data.slice(), width, height);
      }
    }
  });

  it('spares P-Net most of a picture, with the same proposals', (context: TestContext) => {
    if (networks?.sieve === undefined) return context.skip(unavailable);
    const [width, height] = [310, 290];
    const waves = pictures['waves with noise']!;
    const image = painted(width, height, (x, y, colour) =>
      x + y < 200 ? waves(x, y, colour) : 0.1,
    );
    const level = { scale: 0.6, left: 0, top: 0, width, height, data: image };
    let blocks = 0;
    const { sieve, ...without } = networks;
    const counted: Networks = {
      ...without,
      proposeBlocks(data, rows, columns) {
        blocks += rows * columns;
        return networks!.proposeBlocks!(data, rows, columns);
      },
    };
    const expected = proposeOnScales(counted, [[level]], 0.6);
    const all = blocks;
    blocks = 0;
    const actual = proposeOnScales({ ...counted, sieve }, [[level]], 0.6);
    assert.ok(expected[0]!.scores.length > 0, 'there are proposals');
    assert.deepEqual(actual, expected);
    assert.ok(blocks < all / 2, `${blocks} of ${all} blocks`);
  });
});

function assertMarked(
  { propose, sieve }: Networks,
  image: Float32Array,
  width: number,
  height: number,
): void {
  const map = propose(image, height, width);
  const most = mostByTile(map.width, map.height, map.probability);
  const { columns, tiles } = sieve!(image, height, width, LEAST_LOGIT);
  assert.equal(tiles.length, most.length);
  for (const [tile, logit] of most.entries()) {
    const place = `${width} x ${height}, ${tile % columns}, ${Math.floor(tile / columns)}: ${logit}`;
    if (logit > LEAST_LOGIT + ERROR) assert.equal(tiles[tile], 1, place);
    if (logit < LEAST_LOGIT - ERROR) assert.equal(tiles[tile], 0, place);
  }
}

/** The largest logit of each tile. */
function mostByTile(width: number, height: number, probability: Float32Array): number[] {
  const columns = Math.ceil(width / SIEVE_TILE);
  const most = new Array<number>(columns * Math.ceil(height / SIEVE_TILE)).fill(-Infinity);
  for (let cell = 0; cell < width * height; cell++) {
    const [x, y] = [cell % width, Math.floor(cell / width)];
    const tile = Math.floor(y / SIEVE_TILE) * columns + Math.floor(x / SIEVE_TILE);
    const face = probability[cell * 2 + 1]!;
    most[tile] = Math.max(most[tile]!, Math.log(face / (1 - face)));
  }
  return most;
}
