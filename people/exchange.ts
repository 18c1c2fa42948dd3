/**
 * The file that carries people from one deployment to another: JSON Lines. The first line says what it holds; each
 * other one is a person with faces, and embeddings as float32, little-endian, in base64. A person with many faces
 * takes several lines. Reads and writes no bucket.
 */
import { z } from 'zod';
import { qualitySchema } from '../cloud/contract/people-work.ts';
import { issueWords } from '../runtime/issue-words.ts';
import { ImportError } from './errors.ts';
import { type FaceRecord, type PersonRecord, personRecordSchema } from './records.ts';
import { areFinite, type Expected, floatsOf } from './segment.ts';

const FORMAT = 'elastic-face-people';
const VERSION = 1;
/** Faces in one line of an export; with 512 numbers each, 0.7 MB of base64. */
export const FACES_PER_LINE = 256;
const MOST_LINE_BYTES = 64 * 1024 * 1024;
const NEWLINE = 0x0a;

const headerSchema = z.object({
  format: z.literal(FORMAT),
  version: z.literal(VERSION),
  encoder: z.string().min(1).max(32),
  length: z.int().positive().max(65_536),
});

const faceSchema = z.strictObject({
  id: z.uuid(),
  quality: qualitySchema.optional(),
  enrolled: z.iso.datetime().optional(),
  photoDigest: z.base64url().length(43).optional(),
  embedding: z.string(),
});
const lineSchema = personRecordSchema.extend({ faces: z.array(faceSchema) });

export interface ImportedPerson {
  /** Of the file, from 1. */
  readonly line: number;
  readonly person: PersonRecord;
  readonly faces: readonly FaceRecord[];
}

export function headerLine({ encoder, length }: Expected): string {
  return `${JSON.stringify({ format: FORMAT, version: VERSION, encoder, length })}\n`;
}

export function personLine(person: PersonRecord, faces: readonly FaceRecord[]): string {
  const written = faces.map(({ embedding, person: _, ...face }) => ({
    ...face,
    embedding: Buffer.from(embedding.buffer, embedding.byteOffset, embedding.byteLength).toString(
      'base64',
    ),
  }));
  return `${JSON.stringify({ ...person, faces: written })}\n`;
}

/**
 * Reads a file as it arrives, one person at a time.
 * @returns what its first line says, and the people
 * @throws {ImportError} with the number of the line; also while the people are read
 */
export async function readExchange(
  source: AsyncIterable<Uint8Array>,
): Promise<{ expected: Expected; people: AsyncGenerator<ImportedPerson> }> {
  const lines = linesOf(source);
  const first = await lines.next();
  if (first.done) throw new ImportError(1, 'The file is empty: send one that was exported.');
  const header = headerSchema.safeParse(jsonOf(first.value), { error: issueWords });
  if (!header.success) {
    throw new ImportError(
      1,
      `It is not the first line of an export: ${fieldOf(header.error)}. Send a file that was exported.`,
    );
  }
  const { encoder, length } = header.data;
  return { expected: { encoder, length }, people: peopleOf(lines, length) };
}

async function* peopleOf(
  lines: AsyncGenerator<Line>,
  length: number,
): AsyncGenerator<ImportedPerson> {
  for await (const line of lines) {
    const parsed = lineSchema.safeParse(jsonOf(line), { error: issueWords });
    if (!parsed.success) {
      throw new ImportError(
        line.number,
        `It is not a person of an export: ${fieldOf(parsed.error)}.`,
      );
    }
    const { faces, ...person } = parsed.data;
    const records = faces.map(({ embedding, ...face }) => ({
      ...face,
      person: person.id,
      embedding: embeddingIn(embedding, length, line.number),
    }));
    yield { line: line.number, person, faces: records };
  }
}

function embeddingIn(text: string, length: number, line: number): Float32Array {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length !== length * 4) {
    const numbers = bytes.length / 4;
    throw new ImportError(line, `An embedding has ${numbers} numbers where ${length} belong.`);
  }
  const embedding = new Float32Array(floatsOf(bytes));
  if (!areFinite(embedding)) throw new ImportError(line, 'An embedding holds what is no number.');
  return embedding;
}

interface Line {
  readonly number: number;
  readonly bytes: Buffer;
}

/** Lines that are not empty. */
async function* linesOf(source: AsyncIterable<Uint8Array>): AsyncGenerator<Line> {
  let number = 0;
  let parts: Buffer[] = [];
  let size = 0;
  const end = (last: Buffer): Line => {
    number += 1;
    const bytes = Buffer.concat([...parts, last]);
    parts = [];
    size = 0;
    return { number, bytes };
  };
  const isEmpty = ({ bytes }: Line): boolean => bytes.toString('latin1').trim() === '';
  for await (const chunk of source) {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let start = 0;
    for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, start)) {
      const line = end(bytes.subarray(start, at));
      start = at + 1;
      if (!isEmpty(line)) yield line;
    }
    if (start < bytes.length) parts.push(bytes.subarray(start));
    size += bytes.length - start;
    if (size > MOST_LINE_BYTES) {
      throw new ImportError(number + 1, `It is longer than ${MOST_LINE_BYTES / 2 ** 20} MiB.`);
    }
  }
  const last = end(Buffer.alloc(0));
  if (!isEmpty(last)) yield last;
}

/** @throws {ImportError} when it is cut off, or no text */
function jsonOf({ number, bytes }: Line): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new ImportError(number, 'It is not JSON; it may have been cut off.', { cause });
  }
}

function fieldOf({ issues }: z.ZodError): string {
  const [issue] = issues;
  const path = issue?.path.join('.');
  const rule = issue?.message ?? 'is wrong';
  return path ? `the field "${path}" ${rule}` : `it ${rule}`;
}
