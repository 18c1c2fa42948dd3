/** Enrols one person after the other over HTTP and at once posts another photo of each, to another web node. */
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { type AddOptions, type PeopleClient, peopleClient } from '../../people/client.ts';
import type { OnStep } from '../../runtime/progress.ts';
import { percentile } from '../../workload/tally.ts';
import { BenchError } from '../errors.ts';
import type { Pair } from './pairs.ts';

export interface Enrolled {
  readonly rounds: number;
  /** Right on the first try. */
  readonly right: number;
  /** Answered with a gallery older than the enrolment. */
  readonly stale: number;
  /** From the 201 to the right answer, ms. */
  readonly p50: number;
  readonly p95: number;
  /** A line for each answer that was not right. */
  readonly wrong: readonly string[];
}

const answerSchema = z.object({ name: z.string(), distance: z.number(), gallery: z.int() });
/** The course's photos are 64 pixels wide: small faces are refused otherwise. */
export const TAKE_SMALL_FACES: AddOptions = { add: false, acceptLowQuality: true };
/** After this a round counts as failed. */
const PATIENCE_MS = 30_000;

/** @param urls of the web nodes, each ending with a slash */
export async function enrolAndRecognise(
  urls: readonly string[],
  pairs: readonly Pair[],
  onStep: OnStep,
): Promise<Enrolled> {
  const clients = urls.map((url) => peopleClient(url));
  const times: number[] = [];
  const wrong: string[] = [];
  const enrolled = new Map<string, string>();
  let right = 0;
  let stale = 0;
  for (const [round, { person, first, second }] of pairs.entries()) {
    onStep('enrolling and recognising', { done: round, all: pairs.length });
    const own = clients[round % clients.length]!;
    const other = urls[(round + 1) % urls.length]!;
    const name = `${person} ${round + 1}`;
    const before = enrolled.get(person);
    if (before !== undefined) await own.forget(before, false);
    const { gallery, person: added } = await own.add(name, [first], TAKE_SMALL_FACES);
    enrolled.set(person, added.id);
    const begun = performance.now();
    for (let tries = 1; ; tries++) {
      const photo = new FormData();
      photo.append('inputFile', await blobOf(second), `again-${round}-${tries}.jpg`);
      const answer = answerSchema.parse(await answered(other, photo));
      if (answer.name === name) {
        times.push(performance.now() - begun);
        if (tries === 1) right += 1;
        break;
      }
      if (answer.gallery < gallery) stale += 1;
      wrong.push(
        `${name}: answered ${answer.name} at ${answer.distance.toFixed(2)} with gallery ${answer.gallery}, enrolled in ${gallery}`,
      );
      // The nearest of a whole gallery stays the nearest: only an old gallery is worth another try.
      if (answer.gallery >= gallery || performance.now() - begun > PATIENCE_MS) break;
      await delay(50);
    }
  }
  times.sort((a, b) => a - b);
  return {
    rounds: pairs.length,
    right,
    stale,
    p50: percentile(times, 50),
    p95: percentile(times, 95),
    wrong,
  };
}

async function blobOf(path: string): Promise<Blob> {
  return new Blob([await readFile(path)], { type: 'image/jpeg' });
}

/** @throws {BenchError} with the problem's sentence */
async function answered(url: string, body: FormData): Promise<unknown> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { Accept: 'application/json' },
    body,
  });
  const text = await response.text();
  if (response.ok) return JSON.parse(text);
  throw new BenchError(`${url} answered ${response.status}: ${text.slice(0, 300)}`);
}

/** Everybody whom the gallery knows. */
export async function forgetEverybody(client: PeopleClient): Promise<void> {
  const ids = await Array.fromAsync(client.list(), ({ id }) => id);
  for (const id of ids) await client.forget(id, false);
}
