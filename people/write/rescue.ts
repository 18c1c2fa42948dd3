/**
 * The way back where the newest version is damaged: its head cannot be read, or lists what is torn or missing. Other
 * changes are refused then, since nobody knows what they would be applied to.
 */
import { randomUUID } from 'node:crypto';
import { GalleryVersionError } from '../errors.ts';
import { GALLERY_FORMAT, type GalleryHead, peopleKeys } from '../head.ts';
import type { PeopleBucket } from '../read/bucket.ts';
import { parseHead, type Versions } from '../upkeep/versions.ts';

/** Other nodes that go back at the same time. */
const MOST_CONFLICTS = 10;

/**
 * Writes a version with the contents of an earlier one over the damaged one.
 * @returns its number, which is above that of the damaged one
 * @throws {GalleryVersionError} when the earlier one is not kept, or other nodes are always faster
 * @throws {SegmentError} when it is damaged too
 */
export async function goBack(
  version: number,
  { bucket, versions }: { bucket: PeopleBucket; versions: Versions },
): Promise<number> {
  for (let conflict = 0; conflict < MOST_CONFLICTS; conflict++) {
    const [damaged, kept] = await Promise.all([bucket.get(peopleKeys.head), versions.list()]);
    const newestKept = kept.at(-1)?.head;
    const read = damaged && parseHead(damaged.bytes);
    // A version that is live is kept by the one that follows it.
    const live = read ?? (newestKept && { ...newestKept, version: newestKept.version + 1 });
    if (damaged === undefined || live === undefined) break;
    const head: GalleryHead = {
      format: GALLERY_FORMAT,
      version: live.version + 1,
      id: randomUUID(),
      at: new Date().toISOString(),
      ...(await versions.contentsOf(version, live)),
    };
    const condition = { etag: damaged.etag };
    const body = JSON.stringify(head);
    if (await bucket.putIf(peopleKeys.head, body, 'application/json', condition)) {
      return head.version;
    }
  }
  throw new GalleryVersionError(
    'The damaged gallery could not be replaced: look at the list of versions, and try again.',
  );
}
