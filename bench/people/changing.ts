/**
 * Changes people many times a second while services are killed, and holds the gallery to what was answered:
 * no change lost, none half applied, versions only grow, and recognitions right for the version they name.
 */
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { changedSchema, personSchema } from '../../people/api.ts';
import { percentile } from '../../workload/tally.ts';
import { BenchError } from '../errors.ts';

/** A person of the run; `photo`, if there is one, is recognised as them. */
export interface Subject {
  readonly id: string;
  readonly base: string;
  readonly photo?: string;
}

export interface ChangingOptions {
  readonly urls: readonly string[];
  readonly subjects: readonly Subject[];
  readonly perSecond: number;
  readonly seconds: number;
  /** Kills one service; resolves with its name. */
  readonly kill: () => Promise<string>;
  readonly killEveryMs: number;
}

export interface Changed {
  readonly accepted: number;
  /** Connections that broke or were answered 503: sent again until they were accepted. */
  readonly repeated: number;
  readonly perSecond: number;
  /** Until a change was answered, in ms, with all its tries. */
  readonly p50: number;
  readonly p95: number;
  readonly kills: Readonly<Record<string, number>>;
  readonly recognised: number;
  readonly versions: number;
  /** Every promise that was broken, in words. */
  readonly breaches: readonly string[];
}

/** What a person was set to, and the version that was answered for it. */
interface Written {
  readonly counter: number;
  readonly version: number;
}

const CALL_MS = 20_000;
/** Simultaneous recognitions. */
const RECOGNISERS = 2;
const metadataSchema = z.object({ counter: z.int() });
const answerSchema = z.object({ name: z.string(), gallery: z.int() });

export async function changeUnderKills(options: ChangingOptions): Promise<Changed> {
  const { urls, subjects, perSecond, seconds } = options;
  const written = new Map<string, Written[]>(subjects.map(({ id }) => [id, []]));
  const breaches: string[] = [];
  const tookMs: number[] = [];
  const kills: Record<string, number> = {};
  let [accepted, repeated, recognised, newest] = [0, 0, 0, 0];
  const over = new AbortController();
  const begun = performance.now();
  const end = begun + seconds * 1000;

  /** One person's changes follow one another, so that the last one that was accepted is the one to find. */
  const change = async ({ id, base }: Subject, counter: number): Promise<void> => {
    const from = performance.now();
    const body = JSON.stringify({ name: `${base} ${counter}`, metadata: { counter } });
    for (let tries = 0; ; tries++) {
      const answer = await call(urls[(counter + tries) % urls.length]!, `v1/people/${id}`, {
        method: 'PATCH',
        headers: { 'Content-Type': 'application/json' },
        body,
      });
      if (answer === undefined) {
        repeated += 1;
        await delay(100);
        continue;
      }
      const { gallery } = changedSchema.parse(answer);
      const before = written.get(id)!.at(-1);
      if (before !== undefined && gallery <= before.version) {
        breaches.push(`Version ${gallery} came after version ${before.version}.`);
      }
      written.get(id)!.push({ counter, version: gallery });
      newest = Math.max(newest, gallery);
      accepted += 1;
      tookMs.push(performance.now() - from);
      return;
    }
  };
  const lanes = subjects.map(async (subject, lane) => {
    // Each lane has its share of the rate; the first changes are spread over a second.
    const everyMs = (1000 * subjects.length) / perSecond;
    await delay((everyMs * lane) / subjects.length);
    for (let counter = 1; performance.now() < end; counter++) {
      const due = begun + counter * everyMs;
      await change(subject, counter);
      await delay(Math.max(0, due - performance.now()));
    }
  });
  const photographed = subjects.flatMap(({ photo, ...one }) => (photo ? [{ ...one, photo }] : []));
  const recognisers = Array.from({ length: RECOGNISERS }, async (_, lane) => {
    for (let turn = lane; !over.signal.aborted; turn++) {
      const subject = photographed[turn % photographed.length]!;
      const form = new FormData();
      const photo = await readFile(subject.photo);
      form.append('inputFile', new Blob([photo]), `turn-${lane}-${turn}.jpg`);
      const answer = await call(urls[turn % urls.length]!, '', { method: 'POST', body: form });
      if (answer === undefined) {
        await delay(200);
        continue;
      }
      recognised += 1;
      const { name, gallery } = answerSchema.parse(answer);
      judged.push({ subject, name, gallery });
    }
  });
  const judged: { subject: Subject; name: string; gallery: number }[] = [];
  const killing = (async () => {
    while (performance.now() < end - options.killEveryMs) {
      await delay(options.killEveryMs);
      const what = await options.kill();
      kills[what] = (kills[what] ?? 0) + 1;
    }
  })();
  await Promise.all([...lanes, killing]);
  const lasted = (performance.now() - begun) / 1000;
  over.abort();
  await Promise.all(recognisers);

  for (const { subject, name, gallery } of judged) {
    const all = written.get(subject.id)!;
    const before = all.filter(({ version }) => version <= gallery).at(-1)?.counter ?? 0;
    // A change whose answer was lost in a kill is in some version before the next one that was answered.
    const next = all.find(({ version }) => version > gallery)?.counter ?? before + 1;
    const counter = Number(name.slice(subject.base.length + 1));
    const isRight = name.startsWith(subject.base) && counter >= before && counter <= next;
    if (!isRight) {
      breaches.push(
        `Version ${gallery} answered ${name}, where ${subject.base} ${before} was the last before it.`,
      );
    }
  }
  for (const subject of subjects) {
    const person = personSchema.parse(await found(urls[0]!, subject.id));
    const last = written.get(subject.id)!.at(-1)?.counter ?? 0;
    const { counter } = metadataSchema.parse(person.metadata);
    if (counter < last)
      breaches.push(`${subject.base}: change ${last} is lost, ${counter} is there.`);
    if (person.name !== `${subject.base} ${counter}`) {
      breaches.push(`${person.name} has metadata ${counter}: half a change.`);
    }
  }
  tookMs.sort((a, b) => a - b);
  return {
    accepted,
    repeated,
    perSecond: accepted / lasted,
    p50: percentile(tookMs, 50),
    p95: percentile(tookMs, 95),
    kills,
    recognised,
    versions: newest,
    breaches,
  };
}

/** Undefined where the connection broke, or the service asked to come again. */
async function call(url: string, path: string, init: RequestInit): Promise<unknown> {
  const headers = { Accept: 'application/json', ...(init.headers as Record<string, string>) };
  let response: Response;
  let text: string;
  try {
    response = await fetch(url + path, { ...init, headers, signal: AbortSignal.timeout(CALL_MS) });
    text = await response.text();
  } catch {
    return undefined;
  }
  if (response.ok) return JSON.parse(text);
  if (response.status === 503 || response.status === 504) return undefined;
  throw new BenchError(`${init.method} ${path} was answered ${response.status}: ${text}`);
}

async function found(url: string, id: string): Promise<unknown> {
  for (let tries = 0; tries < 100; tries++) {
    const person = await call(url, `v1/people/${id}`, { method: 'GET' });
    if (person !== undefined) return person;
    await delay(200);
  }
  throw new BenchError(`${url} did not come back after the kills.`);
}
