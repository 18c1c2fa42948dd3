/** A version of the gallery for look-ups, from the headers of its segments. It does not change. */
import type { GalleryHead } from '../head.ts';
import { type Fold, foldSegments, LEFT_OUT } from '../load.ts';
import type { FaceMeta, PersonRecord } from '../records.ts';
import type { SegmentHeader } from '../segment.ts';
import { ID_BYTES, writeId } from '../segments/ids.ts';

export interface Place {
  readonly segment: number;
  readonly index: number;
}

export class Folded {
  readonly people: ReadonlyMap<string, PersonRecord>;
  readonly faces: number;
  readonly #segments: readonly SegmentHeader[];
  readonly #fold: Fold;
  readonly #byName: ReadonlyMap<string, string>;
  readonly #indexOf: ReadonlyMap<string, number>;
  /** Faces in the order of their people: number of the segment and index in it, by turns. */
  readonly #ordered: Uint32Array;
  /** By person: where its faces begin in that order. */
  readonly #starts: Uint32Array;

  constructor(head: Pick<GalleryHead, 'removed'>, segments: readonly SegmentHeader[]) {
    const fold = foldSegments(head, segments);
    this.#fold = fold;
    this.#segments = segments;
    this.people = new Map(fold.people.map((person) => [person.id, person]));
    this.#indexOf = new Map(fold.people.map(({ id }, index) => [id, index]));
    this.#byName = new Map(fold.people.map(({ name, id }) => [name, id]));
    this.faces = fold.faces;
    const starts = new Uint32Array(fold.people.length + 1);
    for (const of of fold.personOf) {
      for (const person of of) if (person !== LEFT_OUT) starts[person + 1]! += 1;
    }
    for (let i = 1; i < starts.length; i++) starts[i]! += starts[i - 1]!;
    const next = starts.slice();
    this.#ordered = new Uint32Array(2 * fold.faces);
    for (const [s, of] of fold.personOf.entries()) {
      for (let i = 0; i < of.length; i++) {
        const person = of[i]!;
        if (person === LEFT_OUT) continue;
        const place = next[person]!;
        next[person] = place + 1;
        this.#ordered[2 * place] = s;
        this.#ordered[2 * place + 1] = i;
      }
    }
    this.#starts = starts;
  }

  idOf(name: string): string | undefined {
    return this.#byName.get(name);
  }

  facesOf(person: string): FaceMeta[] {
    return this.placesOf(person).map(({ segment, index }) =>
      this.#segments[segment]!.faces.at(index),
    );
  }

  /** Where a person's faces lie: which segment, and which of its faces. */
  placesOf(person: string): Place[] {
    const index = this.#indexOf.get(person);
    if (index === undefined) return [];
    const places: Place[] = [];
    for (let place = this.#starts[index]!; place < this.#starts[index + 1]!; place++) {
      const [segment, face] = [this.#ordered[2 * place]!, this.#ordered[2 * place + 1]!];
      places.push({ segment, index: face });
    }
    return places;
  }

  face(id: string): FaceMeta | undefined {
    const bytes = Buffer.alloc(ID_BYTES);
    writeId(id, bytes, 0);
    const found = this.#fold.find(bytes, 0);
    if (found === undefined) return undefined;
    if (this.#fold.personOf[found.column]![found.index] === LEFT_OUT) return undefined;
    return this.#segments[found.column]!.faces.at(found.index);
  }
}
