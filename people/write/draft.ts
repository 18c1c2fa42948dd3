/** Changes that will be written together, over the version that they start from. Writes nothing. */
import { GalleryChangeError } from '../errors.ts';
import { factsOf, type GalleryState } from '../read/contents.ts';
import type { LayeredIndex } from '../read/layered.ts';
import type { Change, FaceMeta, FaceRecord, PersonRecord } from '../records.ts';
import { personRecordSchema } from '../records.ts';
import { areFinite, type Expected } from '../segment.ts';
import { isBaseId } from '../segments/ids.ts';

/** Another person has the name. */
export class NameTakenError extends GalleryChangeError {
  readonly person: string;

  constructor(name: string, person: string) {
    super(`Another person is called '${name}': choose another name, or merge the two.`);
    this.person = person;
  }
}

/** A change names a person who is not in the gallery. */
export class NoPersonError extends GalleryChangeError {}

/** That a head holds. */
const MOST_WORDS = 200;

type Put = Extract<Change, { kind: 'put' }>;

export class Draft {
  /** The gallery with all changes so far. */
  readonly index: LayeredIndex;
  readonly people = new Map<string, PersonRecord>();
  readonly faces = new Map<string, FaceRecord>();
  readonly removed: Set<string>;
  readonly removedFromBase: Set<string>;
  expected: Expected | undefined;
  /** Whether there is anything to write. */
  isEmpty = true;
  readonly #words = new Map<string, number>();
  readonly #start: LayeredIndex;
  readonly #removedBefore: ReadonlySet<string>;
  readonly #embeddingsOf: (faces: readonly FaceMeta[]) => Promise<FaceRecord[]>;

  /** @param embeddingsOf those of faces of the version that it starts from */
  constructor(
    { head, contents, index }: GalleryState,
    embeddingsOf: (faces: readonly FaceMeta[]) => Promise<FaceRecord[]>,
  ) {
    this.index = index.as(factsOf(head?.value, contents));
    this.#start = index;
    this.#removedBefore = new Set(contents.removed);
    this.removed = new Set(contents.removed);
    this.removedFromBase = new Set(contents.removedFromBase);
    this.expected = contents.expected;
    this.#embeddingsOf = embeddingsOf;
  }

  /** What is done, e.g. "enrol 1 person (3 times); remove 1 person". */
  get summary(): string {
    return [...this.#words]
      .map(([words, count]) => (count === 1 ? words : `${words} (${count} times)`))
      .join('; ')
      .slice(0, MOST_WORDS);
  }

  /** @throws {GalleryChangeError} and is then as it was */
  async apply(change: Exclude<Change, { kind: 'rollback' }>): Promise<void> {
    switch (change.kind) {
      case 'put':
        return this.#put(change);
      case 'merge':
        return this.#merge(change);
      case 'remove':
        return this.#remove(change.ids, change.words);
    }
  }

  #put({ people, faces, encoder, words }: Put): void {
    const expected = this.#check(faces, encoder);
    this.#checkPeople(people);
    const own = new Set(people.map(({ id }) => id));
    for (const { person } of faces) {
      if (own.has(person) || this.index.people.has(person)) continue;
      throw new NoPersonError('The face belongs to a person who is not in the gallery any more.');
    }
    if (people.length + faces.length === 0) return;
    if (expected === undefined && this.expected === undefined) {
      throw new GalleryChangeError(
        'The gallery has no encoder yet: add a face, or wait until a worker has started.',
      );
    }
    this.expected ??= expected;
    for (const person of people) {
      this.index.putPerson(person);
      this.people.set(person.id, person);
      this.#revive(person.id);
    }
    for (const { embedding, ...meta } of faces) {
      this.index.putFace(meta);
      this.faces.set(meta.id, { ...meta, embedding });
      this.#revive(meta.id);
    }
    this.#done(words);
  }

  #check(faces: readonly FaceRecord[], encoder: string | undefined): Expected | undefined {
    const [first] = faces;
    if (first === undefined) return undefined;
    const given = encoder ?? this.expected?.encoder;
    if (given === undefined) {
      throw new GalleryChangeError('The encoder of the embeddings is not known: name it.');
    }
    const expected = this.expected ?? { encoder: given, length: first.embedding.length };
    if (given !== expected.encoder) {
      throw new GalleryChangeError(
        `The embeddings are of ${given}, the gallery's of ${expected.encoder}: they cannot be compared. Enrol with ${expected.encoder}.`,
      );
    }
    for (const { embedding } of faces) {
      if (embedding.length === expected.length && areFinite(embedding)) continue;
      throw new GalleryChangeError(
        `An embedding must be ${expected.length} finite numbers, as those of the gallery are.`,
      );
    }
    return expected;
  }

  #checkPeople(people: readonly PersonRecord[]): void {
    const names = new Map<string, string>();
    for (const person of people) {
      const { success, error } = personRecordSchema.safeParse(person);
      if (!success) {
        const field = error.issues[0]?.path.join('.') ?? '';
        throw new GalleryChangeError(`The person's field '${field}' cannot be kept.`);
      }
      const own = names.get(person.name) ?? person.id;
      names.set(person.name, own);
      if (own !== person.id) throw new NameTakenError(person.name, own);
    }
    const leaving = new Set(people.map(({ id }) => id));
    for (const [name, id] of names) {
      const other = this.index.byName(name);
      // Two people of one change may swap their names.
      if (other && other.id !== id && !leaving.has(other.id)) {
        throw new NameTakenError(name, other.id);
      }
    }
  }

  async #merge({ from, into, words }: Extract<Change, { kind: 'merge' }>): Promise<void> {
    if (from === into) throw new GalleryChangeError('A person cannot be merged with themselves.');
    for (const id of [from, into]) {
      if (!this.index.people.has(id)) {
        throw new NoPersonError('One of the two people is not in the gallery any more.');
      }
    }
    const moving = this.index.facesOf(from);
    const pending = moving.flatMap(({ id }) => this.faces.get(id) ?? []);
    const stored = await this.#embeddingsOf(moving.filter(({ id }) => !this.faces.has(id)));
    for (const { embedding, ...meta } of [...pending, ...stored]) {
      const moved = { ...meta, person: into };
      this.index.putFace(moved);
      this.faces.set(moved.id, { ...moved, embedding });
    }
    this.#remove([from], words);
  }

  #remove(ids: readonly string[], words: string): void {
    const all = new Set<string>();
    for (const id of ids) {
      if (this.index.people.has(id)) {
        for (const face of this.index.facesOf(id)) all.add(face.id);
        all.add(id);
      } else if (this.index.face(id)) all.add(id);
    }
    if (all.size === 0) return;
    // Faces stand before their person: `remove` takes people who have none.
    for (const id of all) {
      this.index.remove(id);
      this.people.delete(id);
      this.faces.delete(id);
      if (this.#isInSegments(id)) this.removed.add(id);
      if (isBaseId(id)) this.removedFromBase.add(id);
    }
    this.#done(words);
  }

  /** What was added in this draft only is in no segment yet. */
  #isInSegments(id: string): boolean {
    if (this.#removedBefore.has(id) || this.#start.people.has(id)) return true;
    return this.#start.face(id) !== undefined;
  }

  #revive(id: string): void {
    this.removed.delete(id);
    this.removedFromBase.delete(id);
  }

  #done(words: string): void {
    this.#words.set(words, (this.#words.get(words) ?? 0) + 1);
    this.isEmpty = false;
  }
}
