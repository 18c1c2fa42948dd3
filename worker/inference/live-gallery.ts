/**
 * The live gallery inside the inference process: builds a matcher from a version's segments on disk. Segments
 * that the version before had too are not read again, and memory of those that it no longer has is cleared.
 */
import { readFile } from 'node:fs/promises';
import type { FaceBlock, GalleryMatcher } from '../../model/index.ts';
import { SegmentError } from '../../people/errors.ts';
import { foldSegments } from '../../people/load.ts';
import { openSegment, type SegmentHeader } from '../../people/segment.ts';
import { clearFreedMemory } from './freed-memory.ts';
import type { GalleryFiles } from './protocol.ts';

/** What of the model it needs: imported late, since the model loads a native library. */
export interface GalleryParts {
  readonly blockOf: (embeddings: Float32Array, length: number) => FaceBlock;
  readonly matcherOf: (parts: ConstructorParameters<typeof GalleryMatcher>[0]) => GalleryMatcher;
  /** Of the model's encoder. */
  readonly encoder: { readonly kind: string; readonly embeddingLength: number };
}

interface Loaded {
  readonly header: SegmentHeader;
  readonly block: FaceBlock;
  readonly bytes: Uint8Array;
}

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
    const { kind, embeddingLength } = this.#parts.encoder;
    if (head.encoder !== kind || head.length !== embeddingLength) {
      throw new SegmentError(
        `Gallery version ${head.version} holds ${head.encoder} embeddings of ${head.length} numbers, and ` +
          `this model gives ${kind} embeddings of ${embeddingLength}: deploy the model that the people were ` +
          'enrolled with, or enrol them again.',
      );
    }
    const segments = await Promise.all(
      head.segments.map(async (ref, at): Promise<Loaded> => {
        const known = this.#segments.get(ref.sha256);
        if (known) return known;
        const bytes = await readFile(files[at] ?? '');
        const { embeddings, ...header } = openSegment(bytes, ref, head);
        return { header, bytes, block: this.#parts.blockOf(embeddings, head.length) };
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
    this.#release(before);
    return { people: people.length, faces };
  }

  /** No photo is in work during a swap, so that nothing reads them any more. */
  #release(before: ReadonlyMap<string, Loaded>): void {
    const dropped = [...before].filter(([sha256]) => !this.#segments.has(sha256));
    for (const [, { bytes }] of dropped) bytes.fill(0);
    if (dropped.length > 0) clearFreedMemory();
  }
}
