/**
 * Opens the embeddings of a file as a block of faces that all processes of a machine hold once: the file is
 * mapped, and so is an index beside it, which the first process makes. Where nothing can be mapped, both are read.
 */
import { open } from 'node:fs/promises';
import { MAPPING_ALIGNMENT, mapFile } from '../native/mapped-file.ts';
import { newMemory } from '../simd/kernels.ts';
import { FaceBlock, SHORTLIST_FROM } from './face-block.ts';
import { openIndex } from './index-file.ts';
import { Shortlist } from './shortlist.ts';

export interface FaceFile {
  readonly path: string;
  /** Byte at which the embeddings begin, a multiple of 4: float32, little-endian. */
  readonly from: number;
  readonly rows: number;
  /** Numbers of an embedding. */
  readonly length: number;
  /** Of the file's content: an index that was made of another one is made again. */
  readonly digest: string;
}

const READ_BYTES = 2 ** 26;

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
    rows < SHORTLIST_FROM
      ? undefined
      : await openIndex(indexPath(file.path), { ...file, embeddings }, map);
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

async function readFloats({ path, from, rows, length }: FaceFile): Promise<Float32Array> {
  const embeddings = new Float32Array(rows * length);
  const bytes = new Uint8Array(embeddings.buffer);
  const handle = await open(path);
  try {
    for (let at = 0; at < bytes.length; ) {
      const { bytesRead } = await handle.read(
        bytes,
        at,
        Math.min(READ_BYTES, bytes.length - at),
        from + at,
      );
      if (bytesRead === 0) throw new RangeError(`${path} ends before its ${rows} embeddings do.`);
      at += bytesRead;
    }
  } finally {
    await handle.close();
  }
  return embeddings;
}
