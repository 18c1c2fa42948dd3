/** Writes a new head under the condition that nobody else has, and finds out how a lost write ended. */
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../runtime/errors.ts';
import { PeopleBucketError } from '../errors.ts';
import { type GalleryHead, headSchema, peopleKeys } from '../head.ts';
import type { PeopleBucket } from '../read/bucket.ts';
import type { GalleryState } from '../read/contents.ts';

const JSON_TYPE = 'application/json';
const ATTEMPTS = 5;
const PAUSE_MS = 200;
/** In place of the ETag of a head that another one has replaced: no object has it. */
const NOT_LIVE = '"replaced"';

type Head = NonNullable<GalleryState['head']>;

export class HeadWriter {
  readonly #bucket: PeopleBucket;

  constructor(bucket: PeopleBucket) {
    this.#bucket = bucket;
  }

  /**
   * Keeps the live head as an earlier version, if only for a while: by it, the writer of that version can find out
   * that it was written. Any node that follows it writes the same; the first one counts.
   */
  async keep(before: Head | undefined): Promise<void> {
    if (before === undefined) return;
    const key = peopleKeys.version(before.value.version);
    await this.#bucket.putIf(key, JSON.stringify(before.value), JSON_TYPE, 'none');
  }

  /**
   * @returns the head as it is now known by its ETag; undefined when another node was faster
   * @throws {PeopleBucketError} when S3 fails; the old head is live unless the message says otherwise
   */
  async write(head: GalleryHead, before: Head | undefined): Promise<Head | undefined> {
    const body = JSON.stringify(head);
    const condition = before === undefined ? 'none' : { etag: before.etag };
    let failure: unknown;
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      try {
        const etag = await this.#bucket.putIf(peopleKeys.head, body, JSON_TYPE, condition);
        if (etag !== undefined) return { value: head, etag };
        failure = undefined;
      } catch (error) {
        failure = error;
      }
      // A refusal, too, may be of a second try of the SDK whose first one was written.
      const written = await this.#find(head, before).catch((error: unknown) => {
        failure ??= error;
        return 'unknown' as const;
      });
      if (written === 'other') return undefined;
      if (written !== 'unknown' && written !== 'not yet') return written;
      await delay(PAUSE_MS * attempt);
    }
    throw new PeopleBucketError(
      `It could not be found out whether the gallery was changed (${messageOf(failure)}): look at it before you try again.`,
      { cause: failure },
    );
  }

  /** Whether a head was written, also if others have followed it. */
  async #find(head: GalleryHead, before: Head | undefined): Promise<Head | 'other' | 'not yet'> {
    const live = await this.#bucket.get(peopleKeys.head);
    if (live?.etag === before?.etag) return 'not yet';
    const value = headSchema.safeParse(live && JSON.parse(live.bytes.toString('utf8'))).data;
    if (live && value?.id === head.id) return { value: head, etag: live.etag };
    if (value === undefined || value.version <= head.version) return 'other';
    const kept = await this.#bucket.get(peopleKeys.version(head.version));
    const own = headSchema.safeParse(kept && JSON.parse(kept.bytes.toString('utf8'))).data;
    return own?.id === head.id ? { value: head, etag: NOT_LIVE } : 'other';
  }
}
