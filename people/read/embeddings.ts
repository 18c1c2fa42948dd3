/** Reads the embeddings of single faces out of their segments, many with one request where they lie together. */
import type { SegmentRef } from '../head.ts';
import type { FaceMeta, FaceRecord } from '../records.ts';
import { embeddingsStart, floatsOf } from '../segment.ts';
import type { Contents } from './contents.ts';
import type { Place } from './folded.ts';
import type { GalleryReader } from './reader.ts';

const FLOAT_BYTES = 4;
/** Bytes that one request may read; and those that it may read in vain, to spare another request. */
const MOST_BYTES = 8 * 1024 * 1024;
const MOST_IN_VAIN = 128 * 1024;

/**
 * The embeddings at some places, in their order.
 * @throws {OutdatedError} when a segment is gone
 */
export async function embeddingsAt(
  reader: GalleryReader,
  segments: readonly SegmentRef[],
  length: number,
  places: readonly Place[],
): Promise<Float32Array[]> {
  const size = length * FLOAT_BYTES;
  const found: Float32Array[] = new Array(places.length);
  await Promise.all(
    runsOf(places, size).map(async (run) => {
      const first = places[run[0]!]!;
      const end = places[run.at(-1)!]!.index + 1;
      const ref = segments[first.segment]!;
      const start = embeddingsStart(ref, length) + first.index * size;
      const bytes = await reader.range(ref, start, start + (end - first.index) * size);
      for (const number of run) {
        const at = (places[number]!.index - first.index) * size;
        // A copy: the bytes around it are not kept.
        found[number] = new Float32Array(floatsOf(bytes.subarray(at, at + size)));
      }
    }),
  );
  return found;
}

/** Faces of a version with their embeddings; those that no segment holds are left out. */
export async function withEmbeddings(
  reader: GalleryReader,
  { segments, expected }: Contents,
  faces: readonly FaceMeta[],
): Promise<FaceRecord[]> {
  if (expected === undefined || faces.length === 0) return [];
  const headers = await reader.headers(segments, expected);
  const there: FaceMeta[] = [];
  const places: Place[] = [];
  for (const face of faces) {
    for (let segment = segments.length - 1; segment >= 0; segment--) {
      const index = headers[segment]!.faces.indexOf(face.id);
      if (index < 0) continue;
      there.push(face);
      places.push({ segment, index });
      break;
    }
  }
  const embeddings = await embeddingsAt(reader, segments, expected.length, places);
  return there.map((face, i) => ({ ...face, embedding: embeddings[i]! }));
}

/** Numbers of places that one request reads, in the order in which they lie. */
function runsOf(places: readonly Place[], size: number): number[][] {
  const order = places
    .map((_, number) => number)
    .sort((a, b) => {
      const [one, other] = [places[a]!, places[b]!];
      return one.segment - other.segment || one.index - other.index;
    });
  const runs: number[][] = [];
  for (const number of order) {
    const run = runs.at(-1);
    const { segment, index } = places[number]!;
    const first = run && places[run[0]!]!;
    const last = run && places[run.at(-1)!]!;
    const fits =
      first?.segment === segment &&
      (index - first.index + 1) * size <= MOST_BYTES &&
      (index - last!.index - 1) * size <= MOST_IN_VAIN;
    if (run && fits) run.push(number);
    else runs.push([number]);
  }
  return runs;
}
