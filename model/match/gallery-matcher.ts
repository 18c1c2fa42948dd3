/**
 * Finds the nearest people of a gallery: exact Euclidean distance over every embedding that is not surely
 * too far. Immutable. Knows nothing of photos and files.
 */
import { FaceBlock } from './face-block.ts';
import { Query } from './query.ts';

/** A known person and how far away; from which distance on it is a stranger depends on the encoder. */
export interface Neighbour {
  /** Id of the person, where the gallery has ids. */
  readonly person?: string;
  readonly name: string;
  /** Euclidean distance of two embeddings */
  readonly distance: number;
}

export interface GalleryPerson {
  readonly id?: string;
  readonly name: string;
}

/** A block as one gallery sees it. */
export interface GalleryBlock {
  readonly block: FaceBlock;
  /** [rows of the block]: index into the gallery's people, or `LEFT_OUT`. */
  readonly personOf: Uint32Array;
}

/** In place of a person: the face is not searched. */
export const LEFT_OUT = 0xffffffff;

/** More than float32 embeddings leave of a squared distance; an equally near person is never settled. */
const ROUNDING = 1e-9;
/** More people than this are found by comparing with all embeddings: no list is short then. */
const SHORTLIST_PEOPLE = 100;
/** Rows that give the first limit, over all blocks: the nearest are surely among few more than are asked for. */
const LIKELY = 64;

/** The nearest face of a person, among those that were compared. */
interface NearestFace {
  readonly person: number;
  readonly block: FaceBlock;
  readonly row: number;
  /** Squared distance. */
  readonly square: number;
}

export class GalleryMatcher {
  /** 0 for the model's own gallery. */
  readonly version: number;
  /** Number of people who can be found: those with at least one face. */
  readonly people: number;
  /** Number of faces that are searched. */
  readonly faces: number;
  readonly #people: readonly GalleryPerson[];
  readonly #blocks: readonly GalleryBlock[];
  #last: Query | undefined;

  /** @param people of equally near ones the first of this list is named first */
  constructor({
    version,
    blocks,
    people,
  }: {
    readonly version: number;
    readonly blocks: readonly GalleryBlock[];
    readonly people: readonly GalleryPerson[];
  }) {
    this.version = version;
    this.#people = people;
    this.#blocks = blocks.filter(({ block }) => block.rows > 0);
    requireFitting(this.#blocks, people.length);
    const found = new Uint8Array(people.length);
    this.faces = 0;
    for (const { personOf } of this.#blocks) {
      for (const person of personOf) {
        if (person === LEFT_OUT) continue;
        found[person] = 1;
        this.faces++;
      }
    }
    this.people = found.reduce((sum, one) => sum + one, 0);
  }

  /** Of one block; embeddings with the same name are of one person. */
  static of(
    { names, embeddings }: { readonly names: readonly string[]; readonly embeddings: Float32Array },
    shortlistFrom?: number,
  ): GalleryMatcher {
    const persons = new Map<string, number>();
    const personOf = Uint32Array.from(names, (name) => {
      const person = persons.get(name) ?? persons.size;
      persons.set(name, person);
      return person;
    });
    const block = FaceBlock.of(embeddings, embeddings.length / names.length, shortlistFrom);
    const people = [...persons.keys()].map((name) => ({ name }));
    return new GalleryMatcher({ version: 0, blocks: [{ block, personOf }], people });
  }

  /** Those with at least one row; people that no face is of have gaps in their indices. */
  get blocks(): readonly GalleryBlock[] {
    return this.#blocks;
  }

  /** @param person index in the gallery's people, as in `personOf` */
  nameOf(person: number): string | undefined {
    return this.#people[person]?.name;
  }

  /** Numbers of an embedding; undefined without faces. */
  get length(): number | undefined {
    return this.#blocks[0]?.block.length;
  }

  /**
   * The `count` nearest people, nearest first; a person is as near as the nearest of their embeddings.
   * @param embedding of the gallery's length
   */
  nearest(embedding: Float32Array, count: number): Neighbour[] {
    const query = this.#queryOf(embedding);
    const wanted = Math.min(count, this.people);
    const limit =
      wanted > SHORTLIST_PEOPLE ? Number.POSITIVE_INFINITY : this.#limitOf(query, wanted);
    const neighbours = this.#compare(query, limit)
      .slice(0, wanted)
      .map(({ person, block, row }) => ({
        ...told(this.#people[person]!),
        distance: block.distance(embedding, row),
      }));
    return neighbours.sort((a, b) => a.distance - b.distance);
  }

  /**
   * Whether the nearest person stays the nearest if the embedding moves by up to `bound` along the line between any
   * two. A step s takes |e − b|² − |e − a|² down by 2 s·(b − a), at most 2 · bound · |b − a|: for the nearest
   * embedding a, and each b of another person, the difference must be more than that. A step across the line takes
   * nothing from it, however long.
   * @param embedding of the gallery's length
   * @param bound length of the step along the line
   * @param threshold where given, it must also be settled on which side of it the nearest distance is
   */
  isSettled(embedding: Float32Array, bound: number, threshold?: number): boolean {
    const query = this.#queryOf(embedding);
    const [first] = this.#compare(query, this.#limitOf(query, 1));
    if (first === undefined) return true;
    const nearest = Math.sqrt(Math.max(first.square, 0));
    // The line is that to the nearest: its distance changes by at most `bound`.
    if (threshold !== undefined && Math.abs(nearest - threshold) <= bound + ROUNDING) return false;
    const a = first.block.row(first.row);
    // |b − a| is at most the sum of both distances: most people are too far for more to be computed.
    for (const { block, personOf } of this.#blocks) {
      const rows = block.searchFrom(query).within((nearest + 2 * bound) ** 2 + ROUNDING);
      const squares = block.squaresTo(query, rows);
      for (const [at, row] of rows.entries()) {
        if (personOf[row] === LEFT_OUT || personOf[row] === first.person) continue;
        const square = squares[at]!;
        if (Math.sqrt(Math.max(square, 0)) - nearest > 2 * bound) continue;
        if (square - first.square <= 2 * bound * block.distance(a, row) + ROUNDING) return false;
      }
    }
    return true;
  }

  /**
   * Distance to the nearest face of one person.
   * @returns undefined when the gallery has no face of that person
   */
  distanceTo(embedding: Float32Array, personId: string): number | undefined {
    this.#queryOf(embedding);
    const person = this.#people.findIndex(({ id }) => id === personId);
    let least: number | undefined;
    for (const { block, personOf } of person < 0 ? [] : this.#blocks) {
      for (let row = personOf.indexOf(person); row >= 0; row = personOf.indexOf(person, row + 1)) {
        least = Math.min(block.distance(embedding, row), least ?? Number.POSITIVE_INFINITY);
      }
    }
    return least;
  }

  /**
   * What is asked about one embedding after the other shares all that was computed of it.
   * @throws {RangeError} when it is not an embedding of this gallery's encoder
   */
  #queryOf(embedding: Float32Array): Query {
    const length = this.length ?? embedding.length;
    if (embedding.length !== length) {
      throw new RangeError(`An embedding has ${length} values, not ${embedding.length}.`);
    }
    if (this.#last?.isOf(embedding)) return this.#last;
    const query = new Query(embedding);
    if (Number.isFinite(query.square)) {
      this.#last?.clear();
      this.#last = query;
      return query;
    }
    throw new RangeError('An embedding holds a value that is not a number.');
  }

  /** A squared distance within which that many people are. */
  #limitOf(query: Query, people: number): number {
    const count = Math.max(people, Math.ceil(LIKELY / this.#blocks.length));
    const least = new Map<number, number>();
    for (const { block, personOf } of this.#blocks) {
      const rows = block.searchFrom(query).likely(personOf, count, LEFT_OUT);
      const squares = block.squaresTo(query, rows);
      for (const [at, row] of rows.entries()) {
        const person = personOf[row]!;
        least.set(person, Math.min(squares[at]!, least.get(person) ?? Number.POSITIVE_INFINITY));
      }
    }
    const squares = Float64Array.from(least.values()).sort();
    return squares[people - 1] ?? Number.POSITIVE_INFINITY;
  }

  /** The nearest face of each person who may be within the limit. @param limit of the squared distance */
  #compare(query: Query, limit: number): NearestFace[] {
    const nearest = new Map<number, NearestFace>();
    for (const { block, personOf } of this.#blocks) {
      const rows = block.searchFrom(query).within(limit);
      const squares = block.squaresTo(query, rows);
      for (const [at, row] of rows.entries()) {
        const person = personOf[row]!;
        if (person === LEFT_OUT) continue;
        const square = squares[at]!;
        if (!(square >= (nearest.get(person)?.square ?? Number.POSITIVE_INFINITY))) {
          nearest.set(person, { person, block, row, square });
        }
      }
    }
    return [...nearest.values()].sort((a, b) => a.square - b.square || a.person - b.person);
  }
}

function told({ id, name }: GalleryPerson): GalleryPerson & { readonly person?: string } {
  return id === undefined ? { name } : { person: id, name };
}

function requireFitting(blocks: readonly GalleryBlock[], people: number): void {
  const length = blocks[0]?.block.length;
  for (const { block, personOf } of blocks) {
    if (block.length !== length) {
      throw new RangeError(`A gallery has embeddings of ${length} numbers, not ${block.length}.`);
    }
    if (personOf.length !== block.rows) {
      throw new RangeError(`${block.rows} faces have ${personOf.length} people assigned.`);
    }
    if (personOf.some((person) => person !== LEFT_OUT && person >= people)) {
      throw new RangeError(`A face is assigned to a person beyond the ${people} of the gallery.`);
    }
  }
}
