/** People and faces for the tests of this room. */
import { randomUUID } from 'node:crypto';
import type { FaceRecord, PersonRecord } from './records.ts';

export const ENCODER = 'facenet';
export const LENGTH = 8;

export function person(name: string, more: Partial<PersonRecord> = {}): PersonRecord {
  return { id: randomUUID(), name, enrolled: '2026-01-02T03:04:05.678Z', ...more };
}

let number = 0;

/** A face with an embedding that no other one has. */
export function face(of: PersonRecord | string, more: Partial<FaceRecord> = {}): FaceRecord {
  number += 1;
  return {
    id: randomUUID(),
    person: typeof of === 'string' ? of : of.id,
    embedding: Float32Array.from({ length: LENGTH }, (_, i) => number + i / 10),
    ...more,
  };
}
