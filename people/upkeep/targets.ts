/** Everything that belongs to somebody who is to be erased, in any version. Pure. */
import type { GalleryIndex } from '../records.ts';
import type { SegmentHeader } from '../segment.ts';

/**
 * A person's faces of every version; and of people who are no longer live, those that share a face with them: they
 * were merged into the one who is erased.
 */
export function targetsOf(
  ids: readonly string[],
  segments: readonly { header: SegmentHeader }[],
  live: Pick<GalleryIndex, 'people'>,
): { people: Set<string>; faces: Set<string> } {
  const given = new Set(ids);
  const people = new Set<string>();
  const faces = new Set<string>();
  for (const { header } of segments) {
    for (const { id } of header.people) if (given.has(id)) people.add(id);
    for (const id of header.faces.persons) if (given.has(id)) people.add(id);
    for (let i = 0; i < header.faces.count; i++) {
      const id = header.faces.idAt(i);
      if (given.has(id)) faces.add(id);
    }
  }
  for (let size = -1; size !== people.size + faces.size; ) {
    size = people.size + faces.size;
    for (const { header } of segments) addRelated(header, people, faces, live);
  }
  return { people, faces };
}

function addRelated(
  { faces: columns }: SegmentHeader,
  people: Set<string>,
  faces: Set<string>,
  live: Pick<GalleryIndex, 'people'>,
): void {
  const isErased = columns.persons.map((id) => people.has(id));
  for (let i = 0; i < columns.count; i++) {
    const of = columns.of[i]!;
    if (isErased[of]) faces.add(columns.idAt(i));
    else if (people.size > 0 && faces.size > 0 && faces.has(columns.idAt(i))) {
      const person = columns.persons[of]!;
      if (!live.people.has(person)) people.add(person);
    }
  }
}
