/**
 * Takes the people of a newer base into the live gallery. Whoever was removed or renamed stays so, and a person of
 * the live gallery with the same name stays instead. Faces of the base are replaced by those of the newer one.
 */
import type { Logger } from '../../runtime/log.ts';
import type { SegmentRef } from '../head.ts';
import { foldSegments } from '../load.ts';
import type { GalleryState } from '../read/contents.ts';
import type { GalleryReader } from '../read/reader.ts';
import type { Expected, SegmentHeader } from '../segment.ts';
import { isBaseId } from '../segments/ids.ts';
import { idsIn } from '../upkeep/merging.ts';
import type { Rewriting } from '../upkeep/rewriting.ts';
import type { Committer, NewContents } from './committer.ts';

export class Adoption {
  readonly #reader: GalleryReader;
  readonly #committer: Committer;
  readonly #rewriting: Rewriting;
  readonly #log: Logger;
  /** Digest of a base that does not fit, which is logged once. */
  #refused: string | undefined;

  constructor(reader: GalleryReader, committer: Committer, rewriting: Rewriting, log: Logger) {
    this.#reader = reader;
    this.#committer = committer;
    this.#rewriting = rewriting;
    this.#log = log;
  }

  /** @returns the version with the new base; undefined when there is nothing to take in */
  async run(): Promise<number | undefined> {
    if (!this.isDue(this.#reader.state)) return undefined;
    let written: SegmentRef[] = [];
    const version = await this.#committer.rewrite(async (state) => {
      // Of an attempt that another node was faster than.
      await this.#rewriting.delete(written);
      written = [];
      if (!this.isDue(state)) return undefined;
      return this.#contents(state, written);
    });
    if (version !== undefined) this.#log.info({ version }, 'Took a new base into the gallery');
    return version;
  }

  /** Whether there is a base that was not taken in yet. */
  isDue(state: GalleryState | undefined): boolean {
    const { head, base } = state ?? {};
    if (!head || !base || head.value.base === base.value.digest) return false;
    if (base.value.encoder === head.value.encoder && base.value.length === head.value.length) {
      return true;
    }
    if (this.#refused !== base.value.digest) {
      this.#log.warn(
        { base: base.value.encoder, gallery: head.value.encoder },
        "the model's gallery is of another encoder than the live one and is not taken in",
      );
    }
    this.#refused = base.value.digest;
    return false;
  }

  async #contents(state: GalleryState, written: SegmentRef[]): Promise<NewContents> {
    const { contents, index } = state;
    const base = state.base!.value;
    const expected: Expected = { encoder: base.encoder, length: base.length };
    const headers = await this.#reader.headers(base.segments, expected);
    const skipped = new Set(contents.removedFromBase);
    for (const { id, name } of headers.flatMap(({ people }) => people)) {
      if (!index.people.has(id) && index.byName(name) !== undefined) skipped.add(id);
    }
    const added: SegmentRef[] = [];
    const listed = new Set(contents.segments.map(({ sha256 }) => sha256));
    for (const ref of base.segments) {
      const kept = await this.#without(skipped, ref, expected, written);
      if (kept && !listed.has(kept.sha256)) added.push(kept);
    }
    const replaced = replacedFaces(state, headers, new Set(added.map(({ sha256 }) => sha256)));
    const segments = [...added];
    for (const ref of contents.segments) {
      const kept = await this.#without(replaced, ref, expected, written);
      if (kept) segments.push(kept);
    }
    const fold = foldSegments(contents, await this.#reader.headers(segments, expected));
    return {
      ...expected,
      segments,
      removed: contents.removed,
      removedFromBase: contents.removedFromBase,
      base: base.digest,
      people: fold.people.length,
      faces: fold.faces,
      change: 'take in a new base',
    };
  }

  /** The segment itself where it holds none of the ids. */
  async #without(
    ids: ReadonlySet<string>,
    ref: SegmentRef,
    expected: Expected,
    written: SegmentRef[],
  ): Promise<SegmentRef | undefined> {
    const [header] = await this.#reader.headers([ref], expected);
    if (header && idsIn([header], ids).size === 0) return ref;
    const rewritten = await this.#rewriting.join([ref], expected, (id) => ids.has(id));
    if (rewritten.ref) written.push(rewritten.ref);
    return rewritten.ref;
  }
}

/**
 * Faces that an earlier base brought in, of people whom the newer one has too: it has others, or the same again.
 * A face that was given to another person since is no longer the base's to replace.
 */
function replacedFaces(
  { index, base }: GalleryState,
  headers: readonly SegmentHeader[],
  added: ReadonlySet<string>,
): Set<string> {
  const stays = new Set<string>();
  for (const [s, { faces }] of headers.entries()) {
    if (added.has(base!.value.segments[s]!.sha256)) continue;
    for (let i = 0; i < faces.count; i++) stays.add(faces.idAt(i));
  }
  const owner = new Map<string, string>();
  for (const { faces } of headers) {
    for (let i = 0; i < faces.count; i++) owner.set(faces.idAt(i), faces.persons[faces.of[i]!]!);
  }
  const replaced = new Set<string>();
  for (const { id: person } of headers.flatMap(({ people }) => people)) {
    for (const { id } of index.facesOf(person)) {
      const isSame = owner.get(id) === person;
      if (isBaseId(id) && !stays.has(id) && (isSame || !owner.has(id))) replaced.add(id);
    }
  }
  return replaced;
}
