/**
 * Segments of the live gallery on this machine's disk, named by their digest and shared by all its workers: each
 * is downloaded once, appears whole or not at all, and is deleted soon after no version needs it.
 */
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import pLimit from 'p-limit';
import type { SegmentRef } from '../../people/head.ts';
import { noteChecked } from '../../runtime/checked-file.ts';
import { sha256OfFile } from '../../runtime/files.ts';
import { withLock } from '../../runtime/lock.ts';
import { download, type OpenObject } from './download.ts';

/** From this size on, to wait for another worker's download is faster than to download twice. */
const LARGE_BYTES = 4 * 1024 * 1024;
/**
 * Downloads at once. One S3 connection does not fill an instance's network; many large ones at once starve each
 * other where the cloud runs on the same machine.
 */
const [SMALL_AT_ONCE, LARGE_AT_ONCE] = [8, 3];
/** A file that no version needs is kept for this long: another worker may be about to read it. */
const UNREFERENCED_MS = 30_000;
/** What a killed worker has begun and not finished. */
const ABANDONED_MS = 600_000;

/** What is kept beside a large segment, and is deleted with it. */
const BESIDE = /(?:\.index)?(?:\.checked)?$/;

export interface SegmentCacheOptions {
  readonly folder: string;
  readonly open: OpenObject;
  readonly unreferencedMs?: number | undefined;
}

export class SegmentCache {
  readonly #folder: string;
  readonly #open: OpenObject;
  readonly #unreferencedMs: number;
  readonly #small = pLimit(SMALL_AT_ONCE);
  readonly #large = pLimit(LARGE_AT_ONCE);
  /** Since when a file is not needed, by its name. */
  readonly #unneededSince = new Map<string, number>();

  constructor({ folder, open, unreferencedMs = UNREFERENCED_MS }: SegmentCacheOptions) {
    this.#folder = folder;
    this.#open = open;
    this.#unreferencedMs = unreferencedMs;
  }

  /**
   * Downloads what is not on this machine yet.
   * @returns their files, in their order
   * @throws {SegmentError} when an object is not the one that is listed
   */
  async provide(segments: readonly SegmentRef[]): Promise<string[]> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    return Promise.all(
      segments.map((segment) => {
        const slots = segment.bytes < LARGE_BYTES ? this.#small : this.#large;
        return slots(() => this.#provideOne(segment));
      }),
    );
  }

  /** Deletes those that are damaged on the disk, so that they are downloaded again. */
  async deleteDamaged(segments: readonly SegmentRef[]): Promise<void> {
    for (const segment of segments) {
      const path = this.#pathOf(segment);
      const digest = await sha256OfFile(path).catch(() => undefined);
      if (digest !== segment.sha256) await rm(path, { force: true });
    }
  }

  /**
   * Deletes what has not been needed for a while. Files in use elsewhere may go, too: a process that has read
   * or mapped one keeps it.
   */
  async sweep(needed: readonly SegmentRef[]): Promise<void> {
    const folder = this.#folder;
    const names = new Set(needed.map(nameOf));
    const files = await readdir(folder).catch((): string[] => []);
    for (const name of files) {
      const path = join(folder, name);
      const segment = name.replace(BESIDE, '');
      if (!segment.endsWith('.bin')) {
        const age = Date.now() - ((await stat(path).catch(() => undefined))?.mtimeMs ?? Date.now());
        if (age > ABANDONED_MS) await rm(path, { force: true });
      } else if (names.has(segment)) {
        this.#unneededSince.delete(name);
      } else {
        const since = this.#unneededSince.get(name) ?? performance.now();
        this.#unneededSince.set(name, since);
        if (performance.now() - since >= this.#unreferencedMs) await rm(path, { force: true });
      }
    }
    for (const name of this.#unneededSince.keys()) {
      if (!files.includes(name)) this.#unneededSince.delete(name);
    }
  }

  #pathOf(segment: SegmentRef): string {
    return join(this.#folder, nameOf(segment));
  }

  async #provideOne(segment: SegmentRef): Promise<string> {
    const path = this.#pathOf(segment);
    const isThere = async (): Promise<boolean> =>
      (await stat(path).catch(() => undefined))?.size === segment.bytes;
    if (await isThere()) return path;
    if (segment.bytes < LARGE_BYTES) {
      await download(this.#open, segment, path);
      return path;
    }
    await withLock(`${path}.lock`, async () => {
      if (await isThere()) return;
      await download(this.#open, segment, path);
      await noteChecked(path, segment.sha256);
    });
    return path;
  }
}

function nameOf({ sha256 }: SegmentRef): string {
  return `${sha256}.bin`;
}
