/**
 * The live gallery inside the inference process: builds a matcher from a version's segments on disk. Segments
 * that the version before had too are not opened again, and memory of those that it no longer has is cleared.
 * Large segments are mapped, so that all processes of the machine hold them once.
 */
import { open } from 'node:fs/promises';
import type { FaceBlock, FaceFile, GalleryMatcher } from '../../model/index.ts';
import { SegmentError } from '../../people/errors.ts';
import type { GalleryHead, SegmentRef } from '../../people/head.ts';
import { foldSegments } from '../../people/load.ts';
import {
  embeddingsStart,
  openSegment,
  readSegmentHeader,
  type SegmentHeader,
} from '../../people/segment.ts';
import { checkOnce } from '../../runtime/checked-file.ts';
import { sha256OfFile } from '../../runtime/files.ts';
import { clearFreedMemory } from './freed-memory.ts';
import type { GalleryFiles } from './protocol.ts';

/** What of the model it needs: imported late, since the model loads a native library. */
export interface GalleryParts {
  readonly blockOf: (embeddings: Float32Array, length: number) => FaceBlock;
  readonly openFile: (file: FaceFile) => Promise<FaceBlock>;
  readonly matcherOf: (parts: ConstructorParameters<typeof GalleryMatcher>[0]) => GalleryMatcher;
  /** Of the model. */
  readonly encoder: { readonly id: string; readonly embeddingLength: number };
}

interface Loaded {
  readonly header: SegmentHeader;
  readonly block: FaceBlock;
  /** Unless it is mapped. */
  readonly bytes?: Uint8Array;
}

/** From so many faces on a segment is mapped; smaller ones are read in a few ms. */
const MAPPED_FROM = 4096;

export class LiveGallery {
  readonly #parts: GalleryParts;
  /** By SHA-256. */
  #segments: ReadonlyMap<string, Loaded> = new Map();

  constructor(parts: GalleryParts) {
    this.#parts = parts;
  }

  /**
   * @param use makes photos from now on be compared with the new gallery
   * @throws {SegmentError} when a segment is torn, forged or of another encoder; the gallery stays as it was
   */
  async swap(
    { head, files }: GalleryFiles,
    use: (matcher: GalleryMatcher) => void,
  ): Promise<{ people: number; faces: number }> {
    const { id, embeddingLength } = this.#parts.encoder;
    if (head.encoder !== id || head.length !== embeddingLength) {
      throw new SegmentError(
        `Gallery version ${head.version} holds ${head.encoder} embeddings of ${head.length} numbers, and ` +
          `this model gives ${id} embeddings of ${embeddingLength}: deploy the model that the people were ` +
          'enrolled with, or move the gallery to the new encoder: see docs/people.md.',
      );
    }
    const segments = await Promise.all(
      head.segments.map(async (ref, at): Promise<Loaded> => {
        const known = this.#segments.get(ref.sha256);
        if (known) return known;
        return this.#open(files[at] ?? '', ref, head);
      }),
    );
    const { people, personOf, faces } = foldSegments(
      head,
      segments.map(({ header }) => header),
    );
    const blocks = segments.map(({ block }, at) => ({ block, personOf: personOf[at]! }));
    use(this.#parts.matcherOf({ version: head.version, blocks, people }));
    const before = this.#segments;
    this.#segments = new Map(head.segments.map(({ sha256 }, at) => [sha256, segments[at]!]));
    this.#release(before, head.segments);
    return { people: people.length, faces };
  }

  async #open(path: string, ref: SegmentRef, head: GalleryHead): Promise<Loaded> {
    if (ref.faces >= MAPPED_FROM) return this.#openLarge(path, ref, head);
    const bytes = await firstBytes(path, ref.bytes);
    const { embeddings, ...header } = openSegment(bytes, ref, head);
    return { header, bytes, block: this.#parts.blockOf(embeddings, head.length) };
  }

  async #openLarge(path: string, ref: SegmentRef, head: GalleryHead): Promise<Loaded> {
    const isListed = async (): Promise<boolean> => (await sha256OfFile(path)) === ref.sha256;
    if (!(await checkOnce(path, ref.sha256, isListed))) {
      throw new SegmentError(`The gallery segment ${ref.key} is not the one that the head lists.`);
    }
    const { length } = head;
    const from = embeddingsStart(ref, length);
    const header = readSegmentHeader(await firstBytes(path, from), ref, head);
    try {
      const file: FaceFile = { path, from, rows: ref.faces, length, digest: ref.sha256 };
      return { header, block: await this.#parts.openFile(file) };
    } catch (cause) {
      if (!(cause instanceof RangeError)) throw cause;
      throw new SegmentError(
        `The gallery segment ${ref.key} cannot be searched: ${cause.message}`,
        {
          cause,
        },
      );
    }
  }

  /** No photo is in work during a swap, so that nothing reads them any more. */
  #release(before: ReadonlyMap<string, Loaded>, listed: readonly SegmentRef[]): void {
    const dropped = [...before].filter(([sha256]) => !this.#segments.has(sha256));
    for (const [, { block, bytes }] of dropped) {
      block.clear();
      bytes?.fill(0);
    }
    const isLargeNew = (ref: SegmentRef) => ref.faces >= MAPPED_FROM && !before.has(ref.sha256);
    // The text of a large header is as large again as the people in it.
    if (dropped.length > 0 || listed.some(isLargeNew)) clearFreedMemory();
  }
}

/** Into memory that is this caller's alone: `readFile` leaves copies behind, which cannot be cleared. */
async function firstBytes(path: string, count: number): Promise<Uint8Array> {
  const handle = await open(path);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(count), 0, count, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}
