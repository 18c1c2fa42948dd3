/**
 * The half bytes of a large block of faces in a file beside its embeddings, so that they are made once a machine
 * and mapped by all its processes. A file that is torn, or of other embeddings, is made again.
 */
import { createHash } from 'node:crypto';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { setImmediate as turn } from 'node:timers/promises';
import { z } from 'zod';
import { checkOnce, noteChecked } from '../../runtime/checked-file.ts';
import { withLock } from '../../runtime/lock.ts';
import { MAPPING_ALIGNMENT, type mapFile } from '../native/mapped-file.ts';
import { HalfBytes } from './half-bytes.ts';
import { CHUNK_ROWS, chunkBytes } from './half-bytes-layout.ts';

/** Raised whenever the layout of half bytes or their losses change. */
const FORMAT = 1;

/** In JSON, filled up with spaces to where the chunks begin. */
const headerSchema = z.object({
  format: z.literal(FORMAT),
  /** Of the embeddings' file. */
  of: z.string(),
  rows: z.int(),
  length: z.int(),
  /** SHA-256 of the chunks. */
  digest: z.string(),
});
type Header = z.output<typeof headerSchema>;

/** Embeddings in a file. */
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

/**
 * @param map puts a part of a file in place of a part of a buffer, or returns false
 * @returns undefined where this machine cannot search half bytes, or the file can be neither read nor written
 */
export async function openIndex(
  path: string,
  source: FaceFile,
  map: typeof mapFile,
): Promise<HalfBytes | undefined> {
  if (chunkBytes(source.length) === undefined) return undefined;
  try {
    const made = await readIndex(path, source, map);
    if (made !== undefined) return made;
    return await withLock(`${path}.lock`, async () => {
      const others = await readIndex(path, source, map);
      if (others !== undefined) return others;
      await writeIndex(path, source);
      return readIndex(path, source, map);
    });
  } catch (error) {
    // A disk that is full, broken or read-only: the half bytes are then made in memory.
    if (error instanceof RangeError) throw error;
    return undefined;
  }
}

async function readIndex(
  path: string,
  { rows, length, digest }: FaceFile,
  map: typeof mapFile,
): Promise<HalfBytes | undefined> {
  const handle = await open(path).catch(() => undefined);
  if (handle === undefined) return undefined;
  try {
    const header = await readHeader(handle);
    if (header?.of !== digest || header.rows !== rows || header.length !== length) return undefined;
    const packed = HalfBytes.open(rows, length);
    if (packed === undefined) return undefined;
    const { memory, chunksAt, chunksBytes } = packed;
    const chunks = new Uint8Array(memory, chunksAt, chunksBytes);
    packed.isMapped = map(memory, chunksAt, path, MAPPING_ALIGNMENT, chunksBytes);
    if (!packed.isMapped) await readInto(handle, chunks);
    const isWhole = async (): Promise<boolean> => (await digestOf(chunks)) === header.digest;
    return (await checkOnce(path, contentOf(header), isWhole)) ? packed : undefined;
  } finally {
    await handle.close();
  }
}

async function readHeader(handle: FileHandle): Promise<Header | undefined> {
  const bytes = Buffer.alloc(MAPPING_ALIGNMENT);
  await handle.read(bytes, 0, bytes.length, 0);
  try {
    return headerSchema.parse(JSON.parse(bytes.toString('utf8')));
  } catch {
    return undefined;
  }
}

/** Memory that was not filled to its end is of another digest. */
async function readInto(handle: FileHandle, chunks: Uint8Array): Promise<void> {
  for (let at = 0; at < chunks.length; ) {
    const piece = Math.min(PIECE_BYTES, chunks.length - at);
    const { bytesRead } = await handle.read(chunks, at, piece, MAPPING_ALIGNMENT + at);
    if (bytesRead === 0) return;
    at += bytesRead;
  }
}

const PIECE_BYTES = 2 ** 24;

/** The header beside the chunks is read each time. */
const contentOf = ({ of, digest }: Header): string => `${of} ${digest}`;

/** In pieces: photos are answered in between. */
async function digestOf(bytes: Uint8Array): Promise<string> {
  const hash = createHash('sha256');
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    hash.update(bytes.subarray(at, at + PIECE_BYTES));
    await turn();
  }
  return hash.digest('hex');
}

/** Appears whole or not at all; what a machine that stops leaves of it is of another digest. */
async function writeIndex(path: string, source: FaceFile): Promise<void> {
  const fresh = `${path}.${process.pid}`;
  try {
    const handle = await open(fresh, 'w', 0o600);
    let header: Header;
    try {
      header = await writeChunks(handle, source);
    } finally {
      await handle.close();
    }
    await rename(fresh, path);
    await noteChecked(path, contentOf(header));
  } finally {
    await rm(fresh, { force: true });
  }
}

async function writeChunks(handle: FileHandle, source: FaceFile): Promise<Header> {
  const { rows, length, digest: of } = source;
  const packer = HalfBytes.open(CHUNK_ROWS, length);
  if (packer === undefined) throw new Error('This machine cannot pack half bytes.');
  const chunk = new Uint8Array(packer.memory, packer.chunksAt, packer.chunksBytes);
  const hash = createHash('sha256');
  let at = MAPPING_ALIGNMENT;
  // Read, not mapped: what is not touched does not count as this process's memory.
  for await (const embeddings of readRows(source, CHUNK_ROWS)) {
    chunk.fill(0);
    packer.packAll(embeddings);
    hash.update(chunk);
    await handle.write(chunk, 0, chunk.length, at);
    at += chunk.length;
  }
  const header: Header = { format: FORMAT, of, rows, length, digest: hash.digest('hex') };
  await handle.write(JSON.stringify(header).padEnd(MAPPING_ALIGNMENT), 0);
  return header;
}

/**
 * The embeddings of a file, so many at once; each piece is overwritten by the next.
 * @throws {RangeError} when the file ends too early
 */
export async function* readRows(
  { path, from, rows, length }: FaceFile,
  together: number,
): AsyncGenerator<Float32Array> {
  const piece = new Float32Array(Math.min(together, rows) * length);
  const bytes = new Uint8Array(piece.buffer);
  const handle = await open(path);
  try {
    for (let row = 0; row < rows; row += together) {
      const size = Math.min(together, rows - row) * length * piece.BYTES_PER_ELEMENT;
      const position = from + row * length * piece.BYTES_PER_ELEMENT;
      const { bytesRead } = await handle.read(bytes, 0, size, position);
      if (bytesRead !== size)
        throw new RangeError(`${path} ends before its ${rows} embeddings do.`);
      yield piece.subarray(0, size / piece.BYTES_PER_ELEMENT);
    }
  } finally {
    await handle.close();
  }
}
