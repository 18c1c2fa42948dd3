/**
 * Averages over areas of the photo (PyTorch's adaptive average pooling): by an addon of the project where it was
 * compiled and the processor has AVX2, otherwise in WebAssembly, with the same bits in three times the time.
 */
import { loadOwnAddon } from '../native/own-addons.ts';
import { averageInWasm } from './area-averages.ts';
import type { AreaGrid, GridSide } from './area-grid.ts';
import type { RgbImage } from './image.ts';

interface AreasAddon {
  /** Absent on a processor without AVX2. */
  average?(
    photo: Uint8Array,
    width: number,
    grids: Int32Array,
    passed: number,
    values: Float32Array,
  ): void;
}

/** Values of a grid as the addon reads it: of each side five, then its place. */
const GRID_VALUES = 11;
/** Values kept for the next photo, so that their pages are not cleared again: enough for 4 megapixels. */
const KEPT_VALUES = 16 << 20;

let addon: AreasAddon | undefined;
/** Every answer of the addon is written here, as long as it is not huge. */
let kept = new Float32Array(0);

/**
 * Fills the grids.
 * @param grids averaged in single precision
 * @param apart averaged in double precision, and rounded once
 * @param count number of values of all grids, including gaps between them
 * @returns `count` values, (x - 127.5) / 128 inside the grids; valid until the next call, which uses the same
 *   memory, because clearing new pages for every photo takes as long as filling them
 * @throws {BackendError} if there is no addon, and WebAssembly has no SIMD here
 */
export function averageAreas(
  image: RgbImage,
  { grids, apart = [] }: { grids: readonly AreaGrid[]; apart?: readonly AreaGrid[] },
  count: number,
): Float32Array {
  addon ??= loadOwnAddon<AreasAddon>('areas') ?? {};
  if (addon.average === undefined) return averageInWasm(image, grids, apart, count);
  return averageNatively(addon.average, image, [...grids, ...apart], grids.length, count);
}

function averageNatively(
  average: NonNullable<AreasAddon['average']>,
  { data, width }: RgbImage,
  grids: readonly AreaGrid[],
  passed: number,
  count: number,
): Float32Array {
  const words = new Int32Array(grids.length * GRID_VALUES);
  const put = (at: number, { size, target, from, to, offset }: GridSide): void => {
    words[at] = size;
    words[at + 1] = target;
    words[at + 2] = from;
    words[at + 3] = to;
    words[at + 4] = offset;
  };
  for (const [index, { columns, rows, at }] of grids.entries()) {
    put(index * GRID_VALUES, columns);
    put(index * GRID_VALUES + 5, rows);
    words[index * GRID_VALUES + 10] = at;
  }
  const values = memoryFor(count);
  if (grids.length > 0) average(data, width, words, passed, values);
  return values;
}

function memoryFor(count: number): Float32Array {
  if (count > KEPT_VALUES) return new Float32Array(count);
  if (kept.length < count) kept = new Float32Array(count);
  return kept.subarray(0, count);
}
