/**
 * A version of the gallery as a few changes over a folded one, so that a change to a large gallery costs no more
 * than one to a small one. Layers are copied before they are changed: a version that was handed out stays.
 */
import type { FaceMeta, GalleryIndex, PersonRecord } from '../records.ts';
import type { SegmentHeader } from '../segment.ts';
import type { Folded } from './folded.ts';

/** Which version an index shows. */
export interface VersionFacts {
  readonly version: number;
  readonly encoder: string | undefined;
  readonly length: number | undefined;
  readonly at: string | undefined;
}

/** The changes; undefined in place of what was removed. */
interface Layer {
  readonly people: Map<string, PersonRecord | undefined>;
  readonly faces: Map<string, FaceMeta | undefined>;
  readonly ids: Map<string, string>;
  readonly facesOf: Map<string, readonly string[]>;
  peopleCount: number;
  faceCount: number;
}

export class LayeredIndex implements GalleryIndex {
  readonly version: number;
  readonly encoder: string | undefined;
  readonly length: number | undefined;
  readonly at: string | undefined;
  readonly people: ReadonlyMap<string, PersonRecord>;
  readonly #folded: Folded;
  readonly #layer: Layer;

  constructor(facts: VersionFacts, folded: Folded, layer?: Layer) {
    this.version = facts.version;
    this.encoder = facts.encoder;
    this.length = facts.length;
    this.at = facts.at;
    this.#folded = folded;
    this.#layer = layer ?? {
      people: new Map(),
      faces: new Map(),
      ids: new Map(),
      facesOf: new Map(),
      peopleCount: folded.people.size,
      faceCount: folded.faces,
    };
    this.people = new LayeredPeople(folded.people, this.#layer);
  }

  /** A copy to change, or the same contents as another version. */
  as(facts: VersionFacts): LayeredIndex {
    const { people, faces, ids, facesOf, ...counts } = this.#layer;
    return new LayeredIndex(facts, this.#folded, {
      people: new Map(people),
      faces: new Map(faces),
      ids: new Map(ids),
      facesOf: new Map(facesOf),
      ...counts,
    });
  }

  get faces(): number {
    return this.#layer.faceCount;
  }

  /** Number of changes over what was folded. */
  get changes(): number {
    return this.#layer.people.size + this.#layer.faces.size;
  }

  byName(name: string): PersonRecord | undefined {
    for (const id of [this.#layer.ids.get(name), this.#folded.idOf(name)]) {
      const person = id === undefined ? undefined : this.people.get(id);
      if (person?.name === name) return person;
    }
    return undefined;
  }

  facesOf(person: string): readonly FaceMeta[] {
    if (!this.people.has(person)) return [];
    const { faces, facesOf } = this.#layer;
    const own = (facesOf.get(person) ?? []).flatMap((id) => {
      const face = faces.get(id);
      return face?.person === person ? [face] : [];
    });
    return [...this.#folded.facesOf(person).filter(({ id }) => !faces.has(id)), ...own];
  }

  face(id: string): FaceMeta | undefined {
    const { faces } = this.#layer;
    const face = faces.has(id) ? faces.get(id) : this.#folded.face(id);
    return face && this.people.has(face.person) ? face : undefined;
  }

  /** Only on a copy that was not handed out yet, as all that follows. */
  putPerson(person: PersonRecord): void {
    if (!this.people.has(person.id)) this.#layer.peopleCount += 1;
    this.#layer.people.set(person.id, person);
    this.#layer.ids.set(person.name, person.id);
  }

  putFace(face: FaceMeta): void {
    if (this.face(face.id) === undefined) this.#layer.faceCount += 1;
    this.#layer.faces.set(face.id, face);
    const own = this.#layer.facesOf.get(face.person) ?? [];
    if (!own.includes(face.id)) this.#layer.facesOf.set(face.person, [...own, face.id]);
  }

  /** @param id of a person without faces, or of a face */
  remove(id: string): void {
    if (this.people.has(id)) {
      this.#layer.people.set(id, undefined);
      this.#layer.peopleCount -= 1;
    } else if (this.face(id)) {
      this.#layer.faces.set(id, undefined);
      this.#layer.faceCount -= 1;
    }
  }

  /** Takes in what another node has added: the segments, then what it removed. */
  takeIn(segments: readonly SegmentHeader[], removed: Iterable<string>): void {
    for (const { people, faces } of segments) {
      for (const person of people) this.putPerson(person);
      for (let i = 0; i < faces.count; i++) {
        const face = faces.at(i);
        if (this.people.has(face.person)) this.putFace(face);
      }
    }
    const people: string[] = [];
    for (const id of removed) {
      if (this.people.has(id)) people.push(id);
      else this.remove(id);
    }
    for (const id of people) {
      for (const face of this.facesOf(id)) this.remove(face.id);
      this.remove(id);
    }
  }
}

class LayeredPeople implements ReadonlyMap<string, PersonRecord> {
  readonly #folded: ReadonlyMap<string, PersonRecord>;
  readonly #layer: Layer;

  constructor(folded: ReadonlyMap<string, PersonRecord>, layer: Layer) {
    this.#folded = folded;
    this.#layer = layer;
  }

  get size(): number {
    return this.#layer.peopleCount;
  }

  get(id: string): PersonRecord | undefined {
    const { people } = this.#layer;
    return people.has(id) ? people.get(id) : this.#folded.get(id);
  }

  has(id: string): boolean {
    return this.get(id) !== undefined;
  }

  *entries(): MapIterator<[string, PersonRecord]> {
    const { people } = this.#layer;
    for (const [id, person] of this.#folded) {
      const latest = people.has(id) ? people.get(id) : person;
      if (latest) yield [id, latest];
    }
    for (const [id, person] of people) {
      if (person && !this.#folded.has(id)) yield [id, person];
    }
  }

  *keys(): MapIterator<string> {
    for (const [id] of this.entries()) yield id;
  }

  *values(): MapIterator<PersonRecord> {
    for (const [, person] of this.entries()) yield person;
  }

  [Symbol.iterator](): MapIterator<[string, PersonRecord]> {
    return this.entries();
  }

  forEach(
    call: (person: PersonRecord, id: string, map: ReadonlyMap<string, PersonRecord>) => void,
  ): void {
    for (const [id, person] of this.entries()) call(person, id, this);
  }
}
