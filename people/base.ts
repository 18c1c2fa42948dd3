/** Publishes the model's own gallery as the base of the live one. Workers do, after they have started. */
import type { S3Client } from '@aws-sdk/client-s3';
import { baseSchema, GALLERY_FORMAT, type GalleryBase, headSchema, peopleKeys } from './head.ts';
import { NoPeopleBucketError, PeopleBucket } from './read/bucket.ts';
import type { FaceRecord, PersonRecord } from './records.ts';
import { encodeSegment, refOf, sha256 } from './segment.ts';
import { baseId } from './segments/ids.ts';
import { FULL_FACES } from './upkeep/merging.ts';
import { SEGMENT_TYPE } from './upkeep/rewriting.ts';

/** Workers of two images may write at once. */
const ATTEMPTS = 10;

export interface ModelGallery {
  readonly encoder: string;
  /** Numbers of an embedding. */
  readonly length: number;
  /** The person of each embedding; a person may have several. */
  readonly names: readonly string[];
  /** [names, length] */
  readonly embeddings: Float32Array;
  /** SHA-256 of the model folder's gallery, hexadecimal. */
  readonly digest: string;
}

/**
 * Writes the base unless it is there. People who were removed from the live gallery are left out, so that no
 * embedding of somebody who was forgotten comes back into the bucket.
 * @returns `no bucket` for a project without a people bucket, which needs no base
 */
export async function publishBase(
  s3: S3Client,
  bucketName: string,
  gallery: ModelGallery,
): Promise<'written' | 'unchanged' | 'no bucket'> {
  const bucket = new PeopleBucket(s3, bucketName);
  try {
    for (let attempt = 1; ; attempt++) {
      const there = await bucket.get(peopleKeys.base);
      if (there && digestOf(there.bytes) === gallery.digest) return 'unchanged';
      const base = await writeSegments(bucket, gallery, await removedFromBase(bucket));
      const body = JSON.stringify(base);
      const condition = there === undefined ? 'none' : { etag: there.etag };
      const etag = await bucket.putIf(peopleKeys.base, body, 'application/json', condition);
      // Who is removed from here on is taken out by the web node that takes the base in.
      if (etag !== undefined || attempt === ATTEMPTS) return 'written';
    }
  } catch (error) {
    if (error instanceof NoPeopleBucketError) return 'no bucket';
    throw error;
  }
}

/** The same people and faces have the same ids in every image that was baked with them. */
export function baseRecords({ encoder, length, names, embeddings }: Omit<ModelGallery, 'digest'>): {
  person: PersonRecord;
  face: FaceRecord;
}[] {
  const seen = new Map<string, number>();
  return names.map((name, i) => {
    const embedding = embeddings.subarray(i * length, (i + 1) * length);
    const person = { id: baseId('person', encoder, name), name };
    const bytes = new Uint8Array(embedding.buffer, embedding.byteOffset, embedding.byteLength);
    let id = baseId('face', encoder, name, bytes);
    // The same photo twice is two faces, as it is for the matcher.
    const before = seen.get(id) ?? 0;
    seen.set(id, before + 1);
    if (before > 0) id = baseId('face', id, String(before));
    return { person, face: { id, person: person.id, embedding } };
  });
}

async function writeSegments(
  bucket: PeopleBucket,
  gallery: ModelGallery,
  removed: ReadonlySet<string>,
): Promise<GalleryBase> {
  const { encoder, length, digest } = gallery;
  const records = baseRecords(gallery).filter(
    ({ person, face }) => !removed.has(person.id) && !removed.has(face.id),
  );
  const segments: GalleryBase['segments'] = [];
  const written = new Set<string>();
  for (let start = 0; start < records.length; start += FULL_FACES) {
    const own = records.slice(start, start + FULL_FACES);
    const people = [...new Map(own.map(({ person }) => [person.id, person])).values()].filter(
      ({ id }) => !written.has(id),
    );
    for (const { id } of people) written.add(id);
    const faces = own.map(({ face }) => face);
    const bytes = encodeSegment(people, faces, encoder, length);
    // The same contents have the same key: workers that write at once write one object.
    const id = baseId('segment', sha256(bytes));
    const ref = refOf(id, bytes, { people: people.length, faces: faces.length, length });
    await bucket.put(ref.key, bytes, SEGMENT_TYPE);
    segments.push(ref);
  }
  return { format: GALLERY_FORMAT, encoder, length, segments, digest };
}

async function removedFromBase(bucket: PeopleBucket): Promise<ReadonlySet<string>> {
  const head = await bucket.get(peopleKeys.head);
  const parsed = headSchema.safeParse(jsonOf(head?.bytes));
  return new Set(parsed.data?.removedFromBase ?? []);
}

function digestOf(bytes: Buffer): string | undefined {
  return baseSchema.safeParse(jsonOf(bytes)).data?.digest;
}

/** Damaged objects are written again. */
function jsonOf(bytes: Buffer | undefined): unknown {
  try {
    return JSON.parse(bytes?.toString('utf8') ?? 'null');
  } catch {
    return undefined;
  }
}
