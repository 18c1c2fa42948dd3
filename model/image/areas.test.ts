/** The addon averages areas to the same bits as WebAssembly. */
import assert from 'node:assert/strict';
import { before, describe, it, type TestContext } from 'node:test';
import { loadOwnAddon } from '../native/own-addons.ts';
import { tfjsNodeFolder } from '../native/paths.ts';
import { addOwnAddon } from '../native/set-up/own-addons.ts';
import { averageInWasm } from './area-averages.ts';
import { type AreaGrid, gridSide } from './area-grid.ts';
import { averageAreas } from './areas.ts';
import type { RgbImage } from './image.ts';

/** Pixels without a pattern that averages could hide. */
function noise(width: number, height: number): RgbImage {
  let state = width;
  const data = Uint8Array.from({ length: width * height * 3 }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 24;
  });
  return { width, height, data };
}

interface Cut {
  readonly left?: number;
  readonly top?: number;
  readonly width: number;
  readonly height: number;
  readonly columns: number;
  readonly rows?: number;
  readonly from?: number;
}

function gridsOf(cuts: readonly Cut[]): { grids: AreaGrid[]; count: number } {
  let count = 0;
  const grids = cuts.map(({ left, top, width, height, columns, rows = columns, from = 0 }) => {
    const at = count;
    count += (columns - from) * (rows - from) * 3;
    return {
      columns: gridSide(width, columns, { from, offset: left ?? 0 }),
      rows: gridSide(height, rows, { from, offset: top ?? 0 }),
      at,
    };
  });
  return { grids, count };
}

describe('averages of areas by the addon', () => {
  before(async () => {
    await addOwnAddon('areas', tfjsNodeFolder);
  });
  const isMissing = (): boolean =>
    loadOwnAddon<{ average?: unknown }>('areas')?.average === undefined;
  const missing = 'needs a C++ compiler and a processor with AVX2';

  const photo = noise(211, 173);
  const cases: Readonly<Record<string, readonly Cut[]>> = {
    'levels of a photo': [
      { width: 211, height: 173, columns: 127, rows: 104 },
      { width: 211, height: 173, columns: 45, rows: 37 },
      { width: 211, height: 173, columns: 12, rows: 11 },
    ],
    'many levels, which are averaged in one pass': [104, 90, 75, 60, 43, 30, 21, 12].map(
      (rows) => ({
        ...{ width: 211, height: 173, columns: rows + 9, rows },
      }),
    ),
    'many windows that overlap, in one pass': Array.from({ length: 24 }, (_, at) => ({
      ...{ left: at, top: 3 * at, width: 150 + at, height: 97 - at, columns: 24 },
    })),
    'parts of a level': [
      { width: 211, height: 173, columns: 127, rows: 104, from: 90 },
      { width: 211, height: 173, columns: 64, rows: 53, from: 50 },
    ],
    'windows that overlap': [
      { left: 3, top: 5, width: 150, height: 120, columns: 24 },
      { left: 20, top: 1, width: 101, height: 172, columns: 48 },
      { left: 150, top: 100, width: 61, height: 73, columns: 24 },
    ],
    'cells of one pixel': [{ left: 187, top: 149, width: 24, height: 24, columns: 24 }],
  };
  for (const [what, cuts] of Object.entries(cases)) {
    it(`have the bits of WebAssembly for ${what}`, (context: TestContext) => {
      if (isMissing()) return context.skip(missing);
      const { grids, count } = gridsOf(cuts);
      assert.deepEqual(
        averageAreas(photo, { grids }, count).slice(),
        averageInWasm(photo, grids, [], count),
      );
      assert.deepEqual(
        averageAreas(photo, { grids: [], apart: grids }, count).slice(),
        averageInWasm(photo, [], grids, count),
      );
    });
  }

  it('have them for windows that are enlarged', (context: TestContext) => {
    if (isMissing()) return context.skip(missing);
    const { grids, count } = gridsOf([
      { left: 200, top: 160, width: 11, height: 13, columns: 24 },
      { left: 210, top: 172, width: 1, height: 1, columns: 24 },
      { left: 0, top: 0, width: 5, height: 173, columns: 48 },
    ]);
    assert.deepEqual(
      averageAreas(photo, { grids: [], apart: grids }, count).slice(),
      averageInWasm(photo, [], grids, count),
    );
  });

  it('have them for cells of more lines than 16 bits can sum up', (context: TestContext) => {
    if (isMissing()) return context.skip(missing);
    const { width, height, data } = noise(40, 3000);
    const bright = { width, height, data: data.map((value) => value | 0xc0) };
    const { grids, count } = gridsOf([
      { width, height, columns: 12, rows: 5 },
      { width, height, columns: 12, rows: 11 },
    ]);
    for (const passed of [0, 1, 2]) {
      const [pass, apart] = [grids.slice(0, passed), grids.slice(passed)];
      assert.deepEqual(
        averageAreas(bright, { grids: pass, apart }, count).slice(),
        averageInWasm(bright, pass, apart, count),
      );
    }
  });

  it('refuse a grid that lies outside the photo', (context: TestContext) => {
    if (isMissing()) return context.skip(missing);
    const { grids, count } = gridsOf([{ left: 188, width: 24, height: 24, columns: 24 }]);
    assert.throws(() => averageAreas(photo, { grids }, count), RangeError);
    assert.throws(() => averageAreas(photo, { grids: [], apart: grids }, count), RangeError);
  });
});
