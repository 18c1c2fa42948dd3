/**
 * P-Net over one scale of a photo. Where the backend has it on blocks, a large scale is cut into tiles:
 * what a tile's layers hold between them stays in the processor's cache, and no photo brings shapes
 * that cost seconds to prepare. The answers are those of the whole.
 */
import type { Networks } from '../networks.ts';
import { Candidates, PROPOSAL_FIELD, PROPOSAL_STRIDE, type Proposals } from './proposals.ts';
import type { Level } from './pyramid.ts';

type ProposalNetworks = Pick<Networks, 'propose' | 'proposeBlocks'>;

/** Neighbouring tiles share so many pixels, so that every cell sees its whole field in one of them. */
const OVERLAP = PROPOSAL_FIELD - PROPOSAL_STRIDE;
/** Cells of a tile's side at most. */
const TILE_CELLS = 128;
/** Scales with a shorter side than this are done before they are cut. */
const LEAST_SIDE = 48;
const CHANNELS = 3;

/**
 * The cells with at least `threshold` probability as boxes in the photo, row by row.
 * @param parts of one scale, that share no pixel: all of it, or some of it
 */
export function proposeOnLevel(
  networks: ProposalNetworks,
  parts: readonly Level[],
  threshold: number,
): Proposals {
  const candidates = new Candidates(threshold);
  for (const part of parts) proposeOnPart(candidates, networks, part);
  return candidates.proposals(parts[0]!.scale);
}

function proposeOnPart(candidates: Candidates, networks: ProposalNetworks, level: Level): void {
  const { width, height, data } = level;
  candidates.begin(level.left / PROPOSAL_STRIDE, level.top / PROPOSAL_STRIDE);
  if (networks.proposeBlocks === undefined || Math.min(width, height) < LEAST_SIDE) {
    candidates.addMap(networks.propose(data, height, width));
    return;
  }
  const columns = spans(cellsOf(width - (width % 2)));
  const rows = spans(cellsOf(height - (height % 2)));
  for (const row of rows) {
    for (const column of columns) {
      const blocks = gatherBlocks(level, column.start, row.start, column.cells, row.cells);
      candidates.addCells(
        networks.proposeBlocks(blocks, sideInBlocks(row.cells), sideInBlocks(column.cells)),
        { left: column.start, top: row.start, fromColumn: column.from, fromRow: row.from },
      );
    }
  }
  addEdges(candidates, networks, level);
}

/**
 * Of an odd side the last pooling window hangs over the edge, and with it the last row or column of
 * cells, whose field is then all that P-Net needs to see.
 */
function addEdges(candidates: Candidates, networks: ProposalNetworks, level: Level): void {
  const { width, height } = level;
  const side = PROPOSAL_FIELD - 1;
  const [lastColumn, lastRow] = [cellsOf(width + 1) - 1, cellsOf(height + 1) - 1];
  if (width % 2 === 1) {
    const strip = cut(level, width - side, 0, side, height);
    candidates.addMap(networks.propose(strip, height, side), {
      left: lastColumn,
      top: 0,
      fromColumn: lastColumn,
      fromRow: 0,
    });
  }
  if (height % 2 === 1) {
    // The corner is the other strip's.
    const evenWidth = width - (width % 2);
    const strip = cut(level, 0, height - side, evenWidth, side);
    candidates.addMap(networks.propose(strip, side, evenWidth), {
      left: 0,
      top: lastRow,
      fromColumn: 0,
      fromRow: lastRow,
    });
  }
}

/** Cells along an even side. */
function cellsOf(side: number): number {
  return (side - OVERLAP) / PROPOSAL_STRIDE;
}

function sideInBlocks(cells: number): number {
  return cells + OVERLAP / PROPOSAL_STRIDE;
}

interface Span {
  readonly start: number;
  readonly cells: number;
  /** The first cell that no earlier span has. */
  readonly from: number;
}

/** Cuts so many cells into spans of one length; the last may begin within the one before it. */
function spans(cells: number): Span[] {
  const count = Math.ceil(cells / TILE_CELLS);
  const length = Math.ceil(cells / count);
  return Array.from({ length: count }, (_, index) => ({
    start: Math.min(index * length, cells - length),
    cells: length,
    from: index * length,
  }));
}

/** @returns [rows + 5, columns + 5, 12]: the pixels of each 2 x 2 block of the level together */
function gatherBlocks(
  { width, data }: Level,
  column: number,
  row: number,
  columns: number,
  rows: number,
): Float32Array {
  const wide = sideInBlocks(columns);
  const high = sideInBlocks(rows);
  const pair = 2 * CHANNELS;
  const blocks = new Float32Array(wide * high * 2 * pair);
  let to = 0;
  for (let y = 0; y < high; y++) {
    let upper = ((row + y) * 2 * width + column * 2) * CHANNELS;
    let lower = upper + width * CHANNELS;
    for (let x = 0; x < wide; x++) {
      for (let at = 0; at < pair; at++) {
        blocks[to + at] = data[upper + at]!;
        blocks[to + pair + at] = data[lower + at]!;
      }
      upper += pair;
      lower += pair;
      to += 2 * pair;
    }
  }
  return blocks;
}

/** A window of the level, [height, width, 3]. */
function cut(level: Level, left: number, top: number, width: number, height: number): Float32Array {
  const row = width * CHANNELS;
  const window = new Float32Array(row * height);
  for (let y = 0; y < height; y++) {
    const from = ((top + y) * level.width + left) * CHANNELS;
    window.set(level.data.subarray(from, from + row), y * row);
  }
  return window;
}
