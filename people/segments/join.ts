/** Makes one segment of several: the latest record of each person and face, without those that are removed. Pure. */
import type { FaceMeta, PersonRecord } from '../records.ts';
import { type Expected, layOut, type Segment } from '../segment.ts';
import { FaceColumns } from './face-columns.ts';
import { IdTable } from './id-table.ts';

export interface Joined {
  readonly bytes: Buffer;
  readonly people: number;
  readonly faces: number;
  /** Ids of people and faces that were left out because they are removed. */
  readonly leftOut: ReadonlySet<string>;
}

/**
 * @param segments oldest first
 * @param isRemoved of ids of people, whose faces go with them, and of faces
 */
export function joinSegments(
  segments: readonly Segment[],
  { encoder, length }: Expected,
  isRemoved: (id: string) => boolean,
): Joined {
  const leftOut = new Set<string>();
  const keeps = (id: string): boolean => {
    if (!isRemoved(id)) return true;
    leftOut.add(id);
    return false;
  };
  const people = new Map<string, PersonRecord>();
  for (const segment of segments) {
    for (const person of segment.people) if (keeps(person.id)) people.set(person.id, person);
  }
  const faces = latestFaces(segments, ({ id, person }) => keeps(id) && !isRemoved(person));
  const columns = FaceColumns.from(faces.length, (i) => {
    const [s, index] = faces[i]!;
    return segments[s]!.faces.at(index);
  });
  const header = { encoder, length, people: [...people.values()], faces: columns };
  const { bytes, embeddings } = layOut(header);
  for (const [i, [s, index]] of faces.entries()) {
    const start = index * length;
    embeddings.set(segments[s]!.embeddings.subarray(start, start + length), i * length);
  }
  return { bytes, people: people.size, faces: faces.length, leftOut };
}

/** Segment and index of each, in the order in which they came in. */
function latestFaces(
  segments: readonly Segment[],
  keeps: (face: FaceMeta) => boolean,
): [number, number][] {
  const seen = new IdTable(segments.map(({ faces }) => faces.ids));
  const latest: [number, number][] = [];
  for (let s = segments.length - 1; s >= 0; s--) {
    const { faces } = segments[s]!;
    for (let i = faces.count - 1; i >= 0; i--) {
      const isLatest = seen.add(s, i);
      if (keeps(faces.at(i)) && isLatest) latest.push([s, i]);
    }
  }
  return latest.reverse();
}
