/** A file of embeddings that PyTorch saved, e.g. the course's data.pt, as the lines that an import takes. */
import { randomUUID } from 'node:crypto';
import { open } from 'node:fs/promises';
import { readGalleryFile } from '../../convert/checkpoint/read-checkpoint.ts';
import { headerLine, personLine } from '../../people/exchange.ts';
import type { FaceRecord } from '../../people/records.ts';

/** Whether it may be an export of people: JSON begins with a brace, and nothing that PyTorch writes does. */
export async function isExport(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(1), 0, 1, 0);
    return bytesRead === 0 || buffer.toString() === '{';
  } finally {
    await file.close();
  }
}

/**
 * Several embeddings of one name are faces of one person.
 * @throws {CheckpointError} when it holds no gallery
 */
export async function exchangeOfEmbeddings(path: string): Promise<Blob> {
  const { gallery } = await readGalleryFile(path);
  const { encoder, names, embeddings } = gallery;
  const length = embeddings.length / names.length;
  const people = new Map<string, { id: string; faces: FaceRecord[] }>();
  for (const [row, name] of names.entries()) {
    const { id, faces } = people.get(name) ?? { id: randomUUID(), faces: [] };
    const embedding = embeddings.slice(row * length, (row + 1) * length);
    faces.push({ id: randomUUID(), person: id, embedding });
    people.set(name, { id, faces });
  }
  const lines = [...people].map(([name, { id, faces }]) => personLine({ id, name }, faces));
  return new Blob([headerLine({ encoder, length }), ...lines]);
}
