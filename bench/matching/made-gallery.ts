/** A live gallery of made people in the bucket of a local cloud, as an import leaves it, and faces to look for. */
import { randomUUID } from 'node:crypto';
import { open } from 'node:fs/promises';
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { GALLERY_FORMAT, type GalleryHead, type SegmentRef } from '../../people/head.ts';
import type { PersonRecord } from '../../people/records.ts';
import { layOut, refOf } from '../../people/segment.ts';
import { FaceColumns } from '../../people/segments/face-columns.ts';
import { EMBEDDING_LENGTH, MadePeople, type Spread } from '../inference/party/made-people.ts';

/** Segments of an import: each is put at once, and they are downloaded side by side. */
const SEGMENTS = 20;

export interface MadeGallery {
  readonly head: GalleryHead;
  /** The name of each face's person. */
  readonly nameOf: (row: number) => string;
  /** Of people in the gallery, each 0.7 from an entry of theirs, and of strangers. */
  readonly known: Float32Array;
  readonly strangers: Float32Array;
}

export interface MadeGalleryOptions {
  readonly s3: S3Client;
  readonly bucket: string;
  /** [people, 512]: embeddings of real people, which the made ones are like. */
  readonly real: Float32Array;
  readonly spread: Spread;
  readonly faces: number;
  readonly people: number;
  /** Number of known faces, and of strangers. */
  readonly queries: number;
  /** All embeddings are written to this file, too. */
  readonly plainFile: string;
}

export async function makeGallery(options: MadeGalleryOptions): Promise<MadeGallery> {
  const { s3, bucket, real, spread, faces, people, queries, plainFile } = options;
  const made = new MadePeople(real, spread);
  const [ownFaces, ownPeople] = [Math.ceil(faces / SEGMENTS), Math.ceil(people / SEGMENTS)];
  const segments: SegmentRef[] = [];
  const known: number[] = [];
  const plain = await open(plainFile, 'w');
  try {
    for (let segment = 0; segment < SEGMENTS; segment++) {
      const embeddings = made.people(ownFaces);
      await plain.writeFile(new Uint8Array(embeddings.buffer));
      for (let query = segment; query < queries; query += SEGMENTS)
        known.push(...made.known(embeddings));
      segments.push(await putSegment(s3, bucket, segment, embeddings, ownPeople));
    }
  } finally {
    await plain.close();
  }
  return {
    head: headOf(segments),
    nameOf: (row) => nameOf(Math.floor(row / ownFaces), (row % ownFaces) % ownPeople),
    known: Float32Array.from(known),
    strangers: made.people(queries),
  };
}

const nameOf = (segment: number, person: number): string => `Person ${segment}-${person}`;

async function putSegment(
  s3: S3Client,
  bucket: string,
  segment: number,
  all: Float32Array,
  count: number,
): Promise<SegmentRef> {
  const length = EMBEDDING_LENGTH;
  const people = Array.from(
    { length: count },
    (_, person): PersonRecord => ({ id: randomUUID(), name: nameOf(segment, person) }),
  );
  const enrolled = new Date().toISOString();
  const faces = FaceColumns.from(all.length / length, (face) => ({
    id: randomUUID(),
    person: people[face % count]!.id,
    enrolled,
  }));
  const { bytes, embeddings } = layOut({ encoder: 'facenet', length, people, faces });
  embeddings.set(all);
  const ref = refOf(randomUUID(), bytes, { people: count, faces: faces.count, length });
  await s3.send(new PutObjectCommand({ Bucket: bucket, Key: ref.key, Body: bytes }));
  return ref;
}

function headOf(segments: SegmentRef[]): GalleryHead {
  const sum = (of: 'people' | 'faces') => segments.reduce((all, one) => all + one[of], 0);
  return {
    ...{ format: GALLERY_FORMAT, encoder: 'facenet', length: EMBEDDING_LENGTH, segments },
    ...{ id: randomUUID(), version: 1, base: null, removed: [], removedFromBase: [] },
    ...{
      people: sum('people'),
      faces: sum('faces'),
      at: new Date().toISOString(),
      change: 'import',
    },
  };
}
