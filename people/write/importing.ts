/**
 * Takes in a file of people as one change: its segments are written while it arrives, and one head lists them all at
 * its end. So a file that is refused in its last line has changed nothing.
 */
import { GalleryChangeError, ImportError, PeopleBucketError } from '../errors.ts';
import { type ImportedPerson, readExchange } from '../exchange.ts';
import type { SegmentRef } from '../head.ts';
import { foldSegments } from '../load.ts';
import type { PeopleBucket } from '../read/bucket.ts';
import type { GalleryState } from '../read/contents.ts';
import type { GalleryReader } from '../read/reader.ts';
import type { FaceRecord, GalleryIndex, PersonRecord } from '../records.ts';
import { type Expected, encodeSegment } from '../segment.ts';
import type { Rewriting } from '../upkeep/rewriting.ts';
import type { Committer, NewContents } from './committer.ts';

/** Of one segment, and so in memory at once; of length 512, 17 MB. */
const FACES_PER_SEGMENT = 8192;

export interface ImportReport {
  /** First gallery version with the people. */
  readonly version: number;
  readonly people: number;
  readonly faces: number;
}

interface Parts {
  readonly bucket: PeopleBucket;
  readonly reader: GalleryReader;
  readonly committer: Committer;
  readonly rewriting: Rewriting;
}

/** @throws {ImportError} with the number of the line that is refused; nothing has changed then */
export async function importPeople(
  parts: Parts,
  source: AsyncIterable<Uint8Array>,
): Promise<ImportReport> {
  const { expected, people } = await readExchange(source);
  checkEncoder((await parts.reader.refresh()).contents.expected, expected);
  const run = new Importing(parts, expected);
  let isRead = false;
  try {
    for await (const one of people) await run.add(one);
    await run.flush();
    isRead = true;
    return await run.commit();
  } catch (error) {
    // A head whose fate is not known may list the segments.
    if (!isRead || !(error instanceof PeopleBucketError)) await run.undo();
    throw error;
  }
}

class Importing {
  readonly #parts: Parts;
  readonly #expected: Expected;
  readonly #lines = new Map<string, { name: string; line: number }>();
  readonly #names = new Map<string, string>();
  readonly #faceIds = new Set<string>();
  readonly #refs: SegmentRef[] = [];
  #people = new Map<string, PersonRecord>();
  #faces: FaceRecord[] = [];

  constructor(parts: Parts, expected: Expected) {
    this.#parts = parts;
    this.#expected = expected;
  }

  async add({ line, person, faces }: ImportedPerson): Promise<void> {
    const known = this.#lines.get(person.id);
    if (known && known.name !== person.name) {
      throw new ImportError(line, `Its id is that of another person, in line ${known.line}.`);
    }
    if ((this.#names.get(person.name) ?? person.id) !== person.id) {
      throw new ImportError(line, `A line before has another person called '${person.name}'.`);
    }
    for (const { id } of faces) {
      if (this.#faceIds.has(id)) throw new ImportError(line, `The face ${id} is there twice.`);
      this.#faceIds.add(id);
    }
    if (known === undefined) {
      this.#lines.set(person.id, { name: person.name, line });
      this.#names.set(person.name, person.id);
      this.#people.set(person.id, person);
    }
    this.#faces.push(...faces);
    if (this.#faces.length >= FACES_PER_SEGMENT) await this.flush();
  }

  async flush(): Promise<void> {
    if (this.#people.size + this.#faces.length === 0) return;
    const { encoder, length } = this.#expected;
    const bytes = encodeSegment([...this.#people.values()], this.#faces, encoder, length);
    const counts = { people: this.#people.size, faces: this.#faces.length };
    this.#refs.push(await this.#parts.rewriting.write(bytes, counts, this.#expected));
    this.#people = new Map();
    this.#faces = [];
  }

  async commit(): Promise<ImportReport> {
    const counts = { people: this.#lines.size, faces: this.#faceIds.size };
    const { index } = await this.#parts.reader.refresh();
    if (this.#refs.length === 0) return { version: index.version, ...counts };
    const version = await this.#parts.committer.rewrite((state) => this.#contents(state));
    return { version: version ?? index.version, ...counts };
  }

  async undo(): Promise<void> {
    await this.#parts.rewriting.delete(this.#refs).catch(() => {});
  }

  async #contents({ contents, index }: GalleryState): Promise<NewContents> {
    checkEncoder(contents.expected, this.#expected);
    this.#checkNames(index);
    await this.#checkThere();
    const isPut = (id: string): boolean => this.#lines.has(id) || this.#faceIds.has(id);
    const removed = contents.removed.filter((id) => !isPut(id));
    const segments = [...contents.segments, ...this.#refs];
    const headers = await this.#parts.reader.headers(segments, this.#expected);
    const fold = foldSegments({ removed }, headers);
    return {
      ...this.#expected,
      segments,
      removed,
      removedFromBase: contents.removedFromBase.filter((id) => !isPut(id)),
      base: contents.base,
      people: fold.people.length,
      faces: fold.faces,
      change: `import ${this.#lines.size} people`,
    };
  }

  #checkNames(index: GalleryIndex): void {
    for (const [id, { name, line }] of this.#lines) {
      const other = index.byName(name);
      if (other === undefined || other.id === id || this.#lines.has(other.id)) continue;
      throw new ImportError(
        line,
        `Another person here is called '${name}': rename one of them, and import again.`,
      );
    }
  }

  /** An erasure deletes segments of no head that hold whom it erases. */
  async #checkThere(): Promise<void> {
    const { bucket } = this.#parts;
    for (const { key } of this.#refs) {
      if ((await bucket.getRange(key, 0, 1)) !== undefined) continue;
      throw new GalleryChangeError(
        'Somebody of the import was erased while it ran: export again, and import that.',
      );
    }
  }
}

function checkEncoder(own: Expected | undefined, given: Expected): void {
  if (own === undefined || (own.encoder === given.encoder && own.length === given.length)) return;
  throw new ImportError(
    1,
    `The embeddings are of ${given.encoder}, the gallery's of ${own.encoder}: they cannot be compared. Enrol the photos again.`,
  );
}
