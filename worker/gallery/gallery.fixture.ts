/** A live gallery for tests of workers: people whose embeddings are four numbers, as the inference double knows them. */
import { randomUUID } from 'node:crypto';
import { openGalleryVersion } from '../../cloud/redis/gallery-version.ts';
import { type GalleryHead, peopleKeys } from '../../people/head.ts';
import type { FaceRecord, PersonRecord } from '../../people/records.ts';
import { type GalleryStore, openGallery } from '../../people/store.ts';
import { silent } from '../../test/cloud.fixture.ts';
import type { Bench } from '../worker.fixture.ts';

export const ENCODER = 'double';

export function openTestGallery({ cloud: { clients, names }, redis }: Bench): GalleryStore {
  const announced = openGalleryVersion(redis, names.keys, silent);
  return openGallery({
    s3: clients.s3,
    bucket: names.peopleBucket,
    versions: 20,
    onChange: (version) => void announced.announce(version),
    log: silent,
  });
}

/** Enrols a person with one face. @returns the person and the first version with it */
export async function enrol(
  gallery: GalleryStore,
  name: string,
  embedding: readonly number[],
): Promise<{ person: PersonRecord; version: number }> {
  const person = { id: randomUUID(), name };
  const face: FaceRecord = {
    id: randomUUID(),
    person: person.id,
    embedding: Float32Array.from(embedding),
  };
  const { version } = await gallery.change(() => ({
    kind: 'put',
    people: [person],
    faces: [face],
    encoder: ENCODER,
    words: 'enrol 1 person',
  }));
  return { person, version };
}

export function peopleObjects({ cloud: { clients, names } }: Bench) {
  const { s3 } = clients;
  const Bucket = names.peopleBucket;
  return {
    async get(key: string): Promise<Buffer> {
      const { GetObjectCommand } = await import('@aws-sdk/client-s3');
      const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key: key }));
      return Buffer.from((await Body?.transformToByteArray()) ?? []);
    },
    async put(key: string, bytes: Uint8Array | string): Promise<void> {
      const { PutObjectCommand } = await import('@aws-sdk/client-s3');
      await s3.send(new PutObjectCommand({ Bucket, Key: key, Body: bytes }));
    },
    async head(): Promise<GalleryHead> {
      return JSON.parse((await this.get(peopleKeys.head)).toString());
    },
  };
}
