/** A people bucket of an embedded cloud or of moto, for the tests of this room. */
import assert from 'node:assert/strict';
import { CreateBucketCommand, type S3Client } from '@aws-sdk/client-s3';
import { createAwsClients } from '../cloud/aws/clients.ts';
import { quiet, REGION, startTestCloud, temporaryFolder } from '../local/cloud.fixture.ts';
import { startMoto } from '../local/moto.fixture.ts';
import { type GalleryHead, headSchema, peopleKeys } from './head.ts';
import { ENCODER, face } from './people.fixture.ts';
import { PeopleBucket } from './read/bucket.ts';
import type { Change, FaceRecord, PersonRecord } from './records.ts';
import { type GalleryOptions, type GalleryStore, openGallery } from './store.ts';

export interface PeopleCloud {
  readonly url: string;
  readonly s3: S3Client;
  /** A new, empty bucket. */
  bucket(): Promise<PeopleBucket>;
  stop(): Promise<void>;
}

export async function startPeopleCloud(): Promise<PeopleCloud> {
  const folder = temporaryFolder();
  const { cloud, clients, stop } = await startTestCloud(folder.path);
  return {
    url: cloud.url,
    s3: clients.s3,
    bucket: () => newBucket(clients.s3),
    async stop() {
      await stop();
      folder.remove();
    },
  };
}

export async function startPeopleMoto(): Promise<PeopleCloud> {
  const moto = await startMoto();
  const clients = createAwsClients({ AWS_REGION: REGION, AWS_ENDPOINT_URL: moto.url });
  return {
    url: moto.url,
    s3: clients.s3,
    bucket: () => newBucket(clients.s3),
    async stop() {
      clients.destroy();
      await moto.stop();
    },
  };
}

let number = 0;

async function newBucket(s3: S3Client): Promise<PeopleBucket> {
  number += 1;
  const name = `tried-${number}-people-bucket`;
  await s3.send(new CreateBucketCommand({ Bucket: name }));
  return new PeopleBucket(s3, name);
}

export function openStore(
  { s3 }: { s3: S3Client },
  bucket: PeopleBucket,
  more: Partial<GalleryOptions> = {},
): GalleryStore {
  return openGallery({ s3, bucket: bucket.name, versions: 20, log: quiet, ...more });
}

/** Every key of a bucket with its bytes. */
export async function contentsOf(bucket: PeopleBucket): Promise<Map<string, Buffer>> {
  const listed = await bucket.list('');
  const objects = await Promise.all(
    listed.map(async ({ key }) => [key, (await bucket.get(key))!.bytes] as const),
  );
  return new Map(objects);
}

export const put = (people: PersonRecord[], faces: FaceRecord[] = []): Change => ({
  kind: 'put',
  people,
  faces,
  encoder: ENCODER,
  words: 'enrol 1 person',
});

/** @param faces one face by default */
export function enrol(store: GalleryStore, who: PersonRecord, ...faces: FaceRecord[]) {
  return store.change(() => put([who], faces.length > 0 ? faces : [face(who)]));
}

export function remove(store: GalleryStore, ...ids: string[]) {
  return store.change(() => ({ kind: 'remove', ids, words: 'remove 1 person' }));
}

export async function headOf(bucket: PeopleBucket): Promise<GalleryHead> {
  const found = await bucket.get(peopleKeys.head);
  return headSchema.parse(JSON.parse(`${found?.bytes}`));
}

/** Names with the number of faces, read by a store that has seen nothing yet. */
export async function facesByName(
  cloud: { s3: S3Client },
  bucket: PeopleBucket,
): Promise<Record<string, number>> {
  const index = await openStore(cloud, bucket).index();
  const entries = [...index.people.values()].map(({ id, name }) => [
    name,
    index.facesOf(id).length,
  ]);
  assert.equal(
    index.faces,
    entries.reduce((sum, [, count]) => sum + Number(count), 0),
  );
  return Object.fromEntries(entries);
}
