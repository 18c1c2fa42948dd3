/**
 * Buckets and objects as fauxqs stores them, with what its tables lack: the order of keys, tags and a
 * few headers of objects, documents of buckets. Knows no request.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { BuildAppOptions } from 'fauxqs';
import { noSuchBucket, noSuchKey } from './errors.ts';
import { OrderedMap } from './key-order.ts';
import type { Algorithm } from './objects/checksums.ts';

type Fauxqs = NonNullable<NonNullable<BuildAppOptions['stores']>['s3Store']>;
type FauxqsObject = ReturnType<Fauxqs['putObject']>;

export type StoredObject = Omit<FauxqsObject, 'checksumAlgorithm'> & {
  checksumAlgorithm?: Algorithm;
};
export interface Part {
  readonly partNumber: number;
  readonly body: Buffer;
  readonly etag: string;
  readonly lastModified: Date;
  readonly checksumValue?: string;
}
export interface Upload {
  readonly uploadId: string;
  readonly bucket: string;
  readonly key: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly parts: ReadonlyMap<number, Part>;
  readonly initiated: Date;
}

/** What S3 keeps of an object and fauxqs has no column for. */
export interface Extras {
  readonly tags?: Readonly<Record<string, string>>;
  readonly storageClass?: string;
  readonly expires?: string;
  readonly redirect?: string;
  /** Of a multipart upload: the checksum that was asked for. */
  readonly checksum?: { readonly algorithm: Algorithm; readonly type: ChecksumType };
}
export type ChecksumType = 'FULL_OBJECT' | 'COMPOSITE';

/** The checks of this room are made before; this is what it needs of fauxqs. */
export interface ObjectStore
  extends Pick<
    Fauxqs,
    | 'createBucket'
    | 'deleteBucket'
    | 'hasBucket'
    | 'listBuckets'
    | 'getObject'
    | 'deleteObject'
    | 'createMultipartUpload'
    | 'uploadPart'
    | 'completeMultipartUpload'
    | 'abortMultipartUpload'
    | 'getBucketLifecycleConfiguration'
    | 'putBucketLifecycleConfiguration'
    | 'deleteBucketLifecycleConfiguration'
  > {
  readonly buckets: Map<string, Map<string, StoredObject>>;
  readonly multipartUploads: ReadonlyMap<string, Upload>;
  putObject(
    bucket: string,
    key: string,
    body: Buffer,
    contentType: string,
    metadata: Record<string, string>,
    system: Record<string, string>,
    checksum?: { algorithm: Algorithm; value: string; type: ChecksumType },
  ): StoredObject;
}

/** No header has a space in its name, so that no user metadata has this one. */
const EXTRAS = ' extras';

export class Buckets {
  readonly store: ObjectStore;
  private readonly db: DatabaseSync;

  /** Called when fauxqs has loaded its tables. */
  constructor(store: ObjectStore, db: DatabaseSync) {
    this.store = store;
    this.db = db;
    for (const name of store.buckets.keys()) this.order(name);
    db.exec(
      'CREATE TABLE IF NOT EXISTS s3_bucket_documents (bucket TEXT NOT NULL, name TEXT NOT NULL, document TEXT NOT NULL, PRIMARY KEY (bucket, name))',
    );
  }

  /** fauxqs makes plain maps. */
  private order(bucket: string): void {
    this.store.buckets.set(bucket, new OrderedMap(this.store.buckets.get(bucket)));
  }

  create(bucket: string): void {
    this.store.createBucket(bucket);
    this.order(bucket);
  }

  delete(bucket: string): void {
    // Uploads under way do not keep a bucket.
    for (const { uploadId } of this.uploads(bucket)) this.store.abortMultipartUpload(uploadId);
    this.store.deleteBucket(bucket);
    this.db.prepare('DELETE FROM s3_bucket_documents WHERE bucket = ?').run(bucket);
  }

  has(bucket: string): boolean {
    return this.store.hasBucket(bucket);
  }

  /** @throws {S3Error} NoSuchBucket */
  objects(bucket: string): OrderedMap<StoredObject> {
    const objects = this.store.buckets.get(bucket);
    if (objects === undefined) throw noSuchBucket(bucket);
    return objects as OrderedMap<StoredObject>;
  }

  /** An object without its body. @throws {S3Error} NoSuchBucket, NoSuchKey */
  find(bucket: string, key: string): StoredObject {
    const object = this.objects(bucket).get(key);
    if (object === undefined) throw noSuchKey(key);
    return object;
  }

  uploads(bucket: string): Upload[] {
    return [...this.store.multipartUploads.values()].filter((one) => one.bucket === bucket);
  }

  /** Replaces an object's metadata and checksum; its body stays. */
  amend(bucket: string, object: StoredObject): void {
    this.objects(bucket).set(object.key, { ...object, body: Buffer.alloc(0) });
    this.db
      .prepare(
        'UPDATE s3_objects SET metadata = ?, checksum_algorithm = ?, checksum_value = ?, checksum_type = ? WHERE bucket = ? AND key = ?',
      )
      .run(
        JSON.stringify(object.metadata),
        object.checksumAlgorithm ?? null,
        object.checksumValue ?? null,
        object.checksumType ?? null,
        bucket,
        object.key,
      );
  }

  /** A document of a bucket that fauxqs does not keep, such as its tags. */
  document(bucket: string, name: string): string | undefined {
    const row = this.db
      .prepare('SELECT document FROM s3_bucket_documents WHERE bucket = ? AND name = ?')
      .get(bucket, name);
    return row?.document as string | undefined;
  }

  setDocument(bucket: string, name: string, document: string | undefined): void {
    if (document === undefined) {
      this.db
        .prepare('DELETE FROM s3_bucket_documents WHERE bucket = ? AND name = ?')
        .run(bucket, name);
      return;
    }
    this.db
      .prepare('INSERT OR REPLACE INTO s3_bucket_documents VALUES (?, ?, ?)')
      .run(bucket, name, document);
  }
}

type Metadata = Readonly<Record<string, string>>;

/** User metadata alone, as clients see it. */
export function userMetadata({ [EXTRAS]: _extras, ...metadata }: Metadata): Metadata {
  return metadata;
}

export function extrasOf(metadata: Metadata): Extras {
  const text = metadata[EXTRAS];
  return text === undefined ? {} : (JSON.parse(text) as Extras);
}

export function withExtras(metadata: Metadata, extras: Extras): Record<string, string> {
  const text = JSON.stringify(extras);
  return { ...userMetadata(metadata), ...(text === '{}' ? {} : { [EXTRAS]: text }) };
}
