/**
 * Runs P-Net on the scales of a photo. If the backend has P-Net on blocks, large scales are cut into strips,
 * and strips share canvases: this makes few calls of few shapes, since kernels are compiled for each shape,
 * and the intermediate values of a canvas fit the processor's cache. If the backend has a sieve, only the areas
 * that may hold a proposal are drawn. The answers are those of whole scales.
 */

import { releaseMemory } from '../../image/image.ts';
import { type Networks, SIEVE_TILE } from '../../networks.ts';
import type { Level } from '../pyramid.ts';
import { CANVAS_SIDE, type Canvas, layOut, type Placed, type Rectangle } from './canvas.ts';
import { Candidates, PROPOSAL_FIELD, PROPOSAL_STRIDE, type Proposals } from './proposals.ts';
import { areasOf } from './sieved-areas.ts';

type ProposalNetworks = Pick<Networks, 'propose' | 'proposeBlocks' | 'sieve'>;
type ProposeBlocks = NonNullable<Networks['proposeBlocks']>;

/** Blocks that a cell sees beside its own; neighbouring strips share them. */
const OVERLAP = PROPOSAL_FIELD / PROPOSAL_STRIDE - 1;
/** Values of a pixel, of two pixels, and of a block of 2 x 2 pixels with its two flags. */
const CHANNELS = 3;
const PAIR = 2 * CHANNELS;
const BLOCK_VALUES = 2 * PAIR + 2;

/** Four times what the sieve's logits were found to be off at most, on photos, collages and noise. */
const SIEVE_MARGIN = 0.2;
/** px: a smaller part takes no longer to draw whole than to sieve. */
const LEAST_SIEVED = 4000;

/** Every canvas is drawn in this memory. What an earlier canvas left between strips is not used. */
let drawing: Float32Array | undefined;

/**
 * The cells of each scale with at least `threshold` probability as boxes in the photo, row by row.
 * @param scales each as parts that share no pixel: the whole scale, or some of it
 */
export function proposeOnScales(
  networks: ProposalNetworks,
  scales: readonly (readonly Level[])[],
  threshold: number,
): Proposals[] {
  const found = scales.map(() => new Candidates(threshold));
  if (networks.proposeBlocks === undefined) {
    for (const [index, parts] of scales.entries()) {
      for (const part of parts) proposeOnPart(networks, part, found[index]!);
    }
  } else {
    const leastLogit = Math.log(threshold / (1 - threshold)) - SIEVE_MARGIN;
    const areas = scales.flatMap((some, index) =>
      some.flatMap((part) =>
        areasToDraw(part, networks.sieve, leastLogit).map(
          (area): Strip => ({ ...area, part, candidates: found[index]! }),
        ),
      ),
    );
    proposeOnCanvases(networks.proposeBlocks, canvasesFor(areas));
  }
  return found.map((candidates, index) => candidates.proposals(scales[index]![0]!.scale));
}

function proposeOnPart(
  networks: ProposalNetworks,
  { left, top, width, height, data }: Level,
  candidates: Candidates,
): void {
  const map = networks.propose(data, height, width);
  candidates.addMap(map, left / PROPOSAL_STRIDE, top / PROPOSAL_STRIDE);
}

/** A rectangle of a part; in blocks. */
interface Area extends Rectangle {
  readonly column: number;
  readonly row: number;
}

interface Strip extends Area {
  readonly part: Level;
  readonly candidates: Candidates;
}

/** The areas of a part that may hold a proposal, if they are smaller than the part; otherwise all of it. */
function areasToDraw(part: Level, sieve: Networks['sieve'], leastLogit: number): Area[] {
  const width = Math.ceil(part.width / PROPOSAL_STRIDE);
  const height = Math.ceil(part.height / PROPOSAL_STRIDE);
  const whole = { column: 0, row: 0, width, height };
  if (sieve === undefined || part.width * part.height < LEAST_SIEVED) return [whole];
  const tiles = sieve(part.data, part.height, part.width, leastLogit);
  const areas = areasOf(tiles, OVERLAP).map(({ left, top, right, bottom }): Area => {
    const [column, row] = [left * SIEVE_TILE, top * SIEVE_TILE];
    return {
      column,
      row,
      width: Math.min(right * SIEVE_TILE + OVERLAP, width) - column,
      height: Math.min(bottom * SIEVE_TILE + OVERLAP, height) - row,
    };
  });
  return totalOf(areas) < width * height ? areas : [whole];
}

/** Blocks of all rectangles together. */
function totalOf(rectangles: readonly Rectangle[]): number {
  return rectangles.reduce((sum, { width, height }) => sum + width * height, 0);
}

/** Two ways to cut: strips of a fixed number of cells, the last one narrower; or strips of equal width. */
const CUTS = [
  { cells: CANVAS_SIDE - OVERLAP, equal: false },
  { cells: (CANVAS_SIDE - OVERLAP) / 2, equal: true },
] as const;

/** Some columns of an area each, over its whole height. */
function stripsOf(area: Strip, { cells, equal }: (typeof CUTS)[number]): Strip[] {
  const { column, width } = area;
  const count = Math.ceil((width - OVERLAP) / cells);
  const each = equal ? Math.ceil((width - OVERLAP) / count) : cells;
  return Array.from({ length: count }, (_, index) => {
    const from = index * each;
    return { ...area, column: column + from, width: Math.min(each + OVERLAP, width - from) };
  });
}

/** The layout with the smallest total area. */
function canvasesFor(areas: readonly Strip[]): Canvas<Strip>[] {
  return CUTS.map((cut) =>
    layOut(
      areas.flatMap((area) => stripsOf(area, cut)),
      OVERLAP,
    ),
  ).reduce((best, other) => (totalOf(other) < totalOf(best) ? other : best));
}

function proposeOnCanvases(proposeBlocks: ProposeBlocks, canvases: readonly Canvas<Strip>[]): void {
  drawing ??= new Float32Array(CANVAS_SIDE * CANVAS_SIDE * BLOCK_VALUES);
  for (const { width, height, placed } of canvases) {
    const blocks = drawing.subarray(0, width * height * BLOCK_VALUES);
    for (const one of placed) draw(one, blocks, width);
    const answer = proposeBlocks(blocks, height, width);
    for (const { strip, from, rows, left, top } of placed) {
      strip.candidates.addCells(answer, {
        left,
        top,
        columns: strip.width - OVERLAP,
        rows: rows - OVERLAP,
        firstColumn: strip.part.left / PROPOSAL_STRIDE + strip.column,
        firstRow: strip.part.top / PROPOSAL_STRIDE + strip.row + from,
      });
    }
    releaseMemory(answer.cells);
  }
}

/** Writes a strip's blocks, [row, column, colour], and the flags of pixels past an odd side of the part. */
function draw(
  { strip, from, rows, left, top }: Placed<Strip>,
  into: Float32Array,
  canvasWidth: number,
): void {
  const { part, column, row, width } = strip;
  const { data } = part;
  const rowLength = part.width * CHANNELS;
  const lacksColumn = (column + width) * 2 > part.width;
  const whole = lacksColumn ? width - 1 : width;
  for (let y = 0; y < rows; y++) {
    const upperRow = (row + from + y) * 2;
    const lacksRow = upperRow + 1 === part.height ? 1 : 0;
    let upper = upperRow * rowLength + column * PAIR;
    // Missing pixels may have any value: P-Net's pooling ignores them because of the flags.
    let lower = lacksRow ? upper : upper + rowLength;
    let to = ((top + y) * canvasWidth + left) * BLOCK_VALUES;
    for (let x = 0; x < whole; x++) {
      for (let at = 0; at < PAIR; at++) {
        into[to + at] = data[upper + at]!;
        into[to + PAIR + at] = data[lower + at]!;
      }
      into[to + 2 * PAIR] = 0;
      into[to + 2 * PAIR + 1] = lacksRow;
      upper += PAIR;
      lower += PAIR;
      to += BLOCK_VALUES;
    }
    if (!lacksColumn) continue;
    for (let at = 0; at < PAIR; at++) {
      into[to + at] = data[upper + (at % CHANNELS)]!;
      into[to + PAIR + at] = data[lower + (at % CHANNELS)]!;
    }
    into[to + 2 * PAIR] = 1;
    into[to + 2 * PAIR + 1] = lacksRow;
  }
}
