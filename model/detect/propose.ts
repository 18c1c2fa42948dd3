/**
 * Runs P-Net on the scales of a photo. If the backend has P-Net on blocks, large scales are cut into strips,
 * and strips share canvases: this makes few calls of few shapes, since kernels are compiled for each shape,
 * and the intermediate values of a canvas fit the processor's cache. The answers are those of whole scales.
 */

import { releaseMemory } from '../image/image.ts';
import type { Networks } from '../networks.ts';
import { CANVAS_SIDE, type Canvas, layOut, type Placed, type Rectangle } from './canvas.ts';
import { Candidates, PROPOSAL_FIELD, PROPOSAL_STRIDE, type Proposals } from './proposals.ts';
import type { Level } from './pyramid.ts';

type ProposalNetworks = Pick<Networks, 'propose' | 'proposeBlocks'>;
type ProposeBlocks = NonNullable<Networks['proposeBlocks']>;

/** Blocks that a cell sees beside its own; neighbouring strips share them. */
const OVERLAP = PROPOSAL_FIELD / PROPOSAL_STRIDE - 1;
/** Values of a pixel, of two pixels, and of a block of 2 x 2 pixels with its two flags. */
const CHANNELS = 3;
const PAIR = 2 * CHANNELS;
const BLOCK_VALUES = 2 * PAIR + 2;

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
    const parts = scales.flatMap((some, index) =>
      some.map((part) => [part, found[index]!] as const),
    );
    proposeOnCanvases(networks.proposeBlocks, canvasesFor(parts));
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

/** Some columns of a part, over its whole height; sides in blocks. */
interface Strip extends Rectangle {
  readonly part: Level;
  readonly column: number;
  readonly candidates: Candidates;
}

/** Two ways to cut: strips of a fixed number of cells, the last one narrower; or strips of equal width. */
const CUTS = [
  { cells: CANVAS_SIDE - OVERLAP, equal: false },
  { cells: (CANVAS_SIDE - OVERLAP) / 2, equal: true },
] as const;

function stripsOf(part: Level, candidates: Candidates, { cells, equal }: (typeof CUTS)[number]) {
  const blocks = Math.ceil(part.width / PROPOSAL_STRIDE);
  const count = Math.ceil((blocks - OVERLAP) / cells);
  const each = equal ? Math.ceil((blocks - OVERLAP) / count) : cells;
  return Array.from({ length: count }, (_, index): Strip => {
    const column = index * each;
    const width = Math.min(each + OVERLAP, blocks - column);
    return { part, column, width, height: Math.ceil(part.height / PROPOSAL_STRIDE), candidates };
  });
}

/** The layout with the smallest total area. */
function canvasesFor(parts: readonly (readonly [Level, Candidates])[]): Canvas<Strip>[] {
  const area = (canvases: readonly Rectangle[]): number =>
    canvases.reduce((sum, { width, height }) => sum + width * height, 0);
  return CUTS.map((cut) =>
    layOut(
      parts.flatMap(([part, candidates]) => stripsOf(part, candidates, cut)),
      OVERLAP,
    ),
  ).reduce((best, other) => (area(other) < area(best) ? other : best));
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
        firstRow: strip.part.top / PROPOSAL_STRIDE + from,
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
  const { part, column, width } = strip;
  const { data } = part;
  const rowLength = part.width * CHANNELS;
  const lacksColumn = (column + width) * 2 > part.width;
  const whole = lacksColumn ? width - 1 : width;
  for (let y = 0; y < rows; y++) {
    const upperRow = (from + y) * 2;
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
