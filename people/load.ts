/** What a head's segments come to, in order: which people there are, and whose face each face is. Pure. */
import type { GalleryHead } from './head.ts';
import type { PersonRecord } from './records.ts';
import type { SegmentHeader } from './segment.ts';
import { IdTable } from './segments/id-table.ts';
import { ID_BYTES, writeId } from './segments/ids.ts';

/** In `personOf`: the face is not of this version, because it was removed or a later segment replaces it. */
export const LEFT_OUT = 0xffff_ffff;

export interface Fold {
  /** All of this version, in the order in which they came in. */
  readonly people: readonly PersonRecord[];
  /** By segment: the index in `people` of each of its faces, or LEFT_OUT. */
  readonly personOf: readonly Uint32Array[];
  /** Number of faces that are not left out. */
  readonly faces: number;
  /** Where the latest record of a face lies, whether it is left out or not: its segment and its index there. */
  find(ids: Buffer, index: number): { column: number; index: number } | undefined;
}

/**
 * Of two records with one id the later segment's counts; removed ids are left out, and so are faces of people
 * who are not there.
 * @param segments those of the head, in its order
 */
export function foldSegments(
  { removed }: Pick<GalleryHead, 'removed'>,
  segments: readonly Pick<SegmentHeader, 'people' | 'faces'>[],
): Fold {
  const { people, indexOf, indices } = foldPeople(new Set(removed), segments);
  const removedIds = idsOf(removed);
  const gone = new IdTable([removedIds]);
  for (let i = 0; i < removed.length; i++) gone.add(0, i);
  const seen = new IdTable(segments.map(({ faces }) => faces.ids));
  let count = 0;
  const personOf = segments.map(({ faces }) => new Uint32Array(faces.count));
  for (let s = segments.length - 1; s >= 0; s--) {
    const { people: own, faces } = segments[s]!;
    let next = 0;
    const persons = Uint32Array.from(faces.persons, (id) => {
      // Most segments list the people of their faces in the order of the faces: no look-up is needed.
      const known = own[next]?.id === id ? indices[s]![next++] : indexOf.get(id);
      return known ?? LEFT_OUT;
    });
    for (let i = faces.count - 1; i >= 0; i--) {
      const isLatest = seen.add(s, i);
      const person = isLatest && !gone.has(faces.ids, i) ? persons[faces.of[i]!]! : LEFT_OUT;
      personOf[s]![i] = person;
      if (person !== LEFT_OUT) count += 1;
    }
  }
  return { people, personOf, faces: count, find: (ids, index) => seen.find(ids, index) };
}

interface FoldedPeople {
  readonly people: PersonRecord[];
  readonly indexOf: ReadonlyMap<string, number>;
  /** By segment: the index in `people` of each of its own, or LEFT_OUT. */
  readonly indices: readonly Uint32Array[];
}

function foldPeople(
  removed: ReadonlySet<string>,
  segments: readonly Pick<SegmentHeader, 'people'>[],
): FoldedPeople {
  const people: PersonRecord[] = [];
  const indexOf = new Map<string, number>();
  const indices = segments.map(({ people: own }) =>
    Uint32Array.from(own, (person) => {
      const { id } = person;
      if (removed.has(id)) return LEFT_OUT;
      // An id stays where it came first when its record is replaced.
      const index = indexOf.get(id) ?? people.length;
      if (index === people.length) indexOf.set(id, index);
      people[index] = person;
      return index;
    }),
  );
  return { people, indexOf, indices };
}

function idsOf(ids: readonly string[]): Buffer {
  const bytes = Buffer.alloc(ids.length * ID_BYTES);
  for (const [i, id] of ids.entries()) writeId(id, bytes, i);
  return bytes;
}
