/** Writes the live version as a file of JSON Lines, a few people at a time. */
import { FACES_PER_LINE, headerLine, personLine } from '../exchange.ts';
import type { FaceRecord, PersonRecord } from '../records.ts';
import type { GalleryState } from './contents.ts';
import { embeddingsAt } from './embeddings.ts';
import { Folded, type Place } from './folded.ts';
import { type GalleryReader, OutdatedError } from './reader.ts';

/** Faces that are in memory at once, besides one line. */
const FACES_AT_ONCE = 2048;
const ATTEMPTS = 10;

/** @param current reads the live version */
export async function* exportLines(
  reader: GalleryReader,
  current: () => Promise<GalleryState>,
): AsyncGenerator<string> {
  const first = await current();
  const { expected } = first.contents;
  if (expected === undefined) return;
  yield headerLine(expected);
  const written = new Set<string>();
  for (let attempt = 1; ; attempt++) {
    // Segments that were merged meanwhile are gone: what is left is read from those of a newer version.
    const state = attempt === 1 ? first : await current();
    try {
      for await (const { ids, lines } of batches(reader, state, written)) {
        yield* lines;
        for (const id of ids) written.add(id);
      }
      return;
    } catch (error) {
      if (!(error instanceof OutdatedError) || attempt === ATTEMPTS) throw error;
    }
  }
}

async function* batches(
  reader: GalleryReader,
  { contents }: GalleryState,
  written: ReadonlySet<string>,
): AsyncGenerator<{ ids: string[]; lines: string[] }> {
  const { expected, segments } = contents;
  if (expected === undefined) return;
  const headers = await reader.headers(segments, expected);
  const folded = new Folded(contents, headers);
  let batch: { person: PersonRecord; places: Place[] }[] = [];
  let size = 0;
  const flush = async () => {
    const places = batch.flatMap((one) => one.places);
    const embeddings = await embeddingsAt(reader, segments, expected.length, places);
    const faces = places.map(({ segment, index }, i) => ({
      ...headers[segment]!.faces.at(index),
      embedding: embeddings[i]!,
    }));
    const done = { ids: batch.map(({ person }) => person.id), lines: linesOf(batch, faces) };
    batch = [];
    size = 0;
    return done;
  };
  for (const person of folded.people.values()) {
    if (written.has(person.id)) continue;
    const places = folded.placesOf(person.id);
    batch.push({ person, places });
    size += places.length + 1;
    if (size >= FACES_AT_ONCE) yield flush();
  }
  if (batch.length > 0) yield flush();
}

function linesOf(
  batch: readonly { person: PersonRecord; places: readonly Place[] }[],
  faces: readonly FaceRecord[],
): string[] {
  let start = 0;
  return batch.flatMap(({ person, places }) => {
    const own = faces.slice(start, start + places.length);
    start += places.length;
    const lines = [personLine(person, own.slice(0, FACES_PER_LINE))];
    for (let at = FACES_PER_LINE; at < own.length; at += FACES_PER_LINE) {
      lines.push(personLine(person, own.slice(at, at + FACES_PER_LINE)));
    }
    return lines;
  });
}
