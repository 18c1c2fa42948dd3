/**
 * Exact matching in galleries of any size, as a party. Their people are random mixtures of the real ones,
 * which lie as faces do: in few directions. Arguments: model folder.
 */
import { EMBEDDING_LENGTH } from '../../../model/format.ts';
import { readGallery } from '../../../model/gallery.ts';
import { Matcher } from '../../../model/match.ts';
import { serve } from './serve.ts';

const [directory = ''] = process.argv.slice(2);
const real = await readGallery(directory);

/** Parts of a mixture. */
const PARTS = 8;
/** A photo of somebody lies about this far from another of the same person. */
const SAME_PERSON = 0.7;

let state = 1;
/** Seeded (mulberry32), evenly from 0 to 1. */
function random(): number {
  state = (state + 0x6d2b79f5) | 0;
  let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
}

function madePeople(count: number): Float32Array {
  const all = new Float32Array(count * EMBEDDING_LENGTH);
  for (let person = 0; person < count; person++) {
    const row = all.subarray(person * EMBEDDING_LENGTH, (person + 1) * EMBEDDING_LENGTH);
    for (let part = 0; part < PARTS; part++) {
      const from = Math.floor(random() * real.names.length) * EMBEDDING_LENGTH;
      const weight = random() * 2 - 1;
      for (let at = 0; at < EMBEDDING_LENGTH; at++)
        row[at]! += weight * real.embeddings[from + at]!;
    }
    toLengthOne(row);
  }
  return all;
}

function toLengthOne(row: Float32Array): void {
  let sum = 0;
  for (const value of row) sum += value * value;
  const factor = 1 / Math.sqrt(sum);
  for (let at = 0; at < row.length; at++) row[at]! *= factor;
}

/** Another photo of one of them. */
function query(people: Float32Array): Float32Array {
  const person = Math.floor((random() * people.length) / EMBEDDING_LENGTH);
  const row = people.slice(person * EMBEDDING_LENGTH, (person + 1) * EMBEDDING_LENGTH);
  // Noise of this length, spread evenly over all values.
  const step = SAME_PERSON * Math.sqrt(3 / EMBEDDING_LENGTH);
  for (let at = 0; at < row.length; at++) row[at]! += (random() * 2 - 1) * step;
  toLengthOne(row);
  return row;
}

await serve(
  {
    async match({ people, times }) {
      const embeddings = madePeople(people);
      const names = Array.from({ length: people }, (_, person) => `person ${person}`);
      const matcher = new Matcher({ names, embeddings });
      const ms: number[] = [];
      for (let time = 0; time < times; time++) {
        const one = query(embeddings);
        const begun = performance.now();
        matcher.nearest(one, 3);
        ms.push(performance.now() - begun);
      }
      return { ms };
    },
  },
  `node ${process.versions.node}`,
);
