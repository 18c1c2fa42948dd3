/**
 * Opens the embeddings of a file as a block of faces that all processes of a machine hold once: the file is
 * mapped, and so is an index beside it, which the first process makes. Where nothing can be mapped, both are read.
 */
import { MAPPING_ALIGNMENT, mapFile } from '../native/mapped-file.ts';
import { newMemory } from '../simd/kernels.ts';
import { FaceBlock, SHORTLIST_FROM } from './face-block.ts';
import { type FaceFile, openIndex, readRows } from './index-file.ts';
import { Shortlist } from './shortlist.ts';

export type { FaceFile } from './index-file.ts';

/** Rows that are read at once. */
const ROWS_A_READ = 4096;

/** The index beside a file of embeddings. It describes the same people, and must be deleted with it. */
export const indexPath = (path: string): string => `${path}.index`;

/**
 * @param map for tests: puts a part of a file in place of a part of a buffer, or returns false
 * @throws {RangeError} when an embedding holds a value that is not a number
 */
export async function openFaceFile(file: FaceFile, map = mapFile): Promise<FaceBlock> {
  const { rows, length } = file;
  const mapped = mappedFloats(file, map);
  const embeddings = mapped ?? (await readFloats(file));
  const isMapped = mapped !== undefined;
  const packed =
    rows < SHORTLIST_FROM ? undefined : await openIndex(indexPath(file.path), file, map);
  if (packed === undefined) return FaceBlock.of(embeddings, length, SHORTLIST_FROM, isMapped);
  return new FaceBlock(embeddings, length, new Shortlist(packed, rows), isMapped);
}

function mappedFloats(
  { path, from, rows, length }: FaceFile,
  map: typeof mapFile,
): Float32Array | undefined {
  const start = Math.floor(from / MAPPING_ALIGNMENT) * MAPPING_ALIGNMENT;
  const bytes = from - start + rows * length * Float32Array.BYTES_PER_ELEMENT;
  const memory = newMemory(bytes);
  if (memory === undefined || !map(memory.buffer, 0, path, start, bytes)) return undefined;
  return new Float32Array(memory.buffer, from - start, rows * length);
}

async function readFloats(file: FaceFile): Promise<Float32Array> {
  const embeddings = new Float32Array(file.rows * file.length);
  let at = 0;
  for await (const some of readRows(file, ROWS_A_READ)) {
    embeddings.set(some, at);
    at += some.length;
  }
  return embeddings;
}
