/**
 * Exact matching in a live gallery of a million faces: from S3 to the first answer, memory of two processes, and
 * time of a match on one thread, beside faiss's exact index.
 */
import { type ChildProcess, execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { S3Client } from '@aws-sdk/client-s3';
import { sharedByClients } from '../../cloud/aws/clients.ts';
import { cloudNames } from '../../cloud/contract/names.ts';
import { readGallery } from '../../model/match/gallery.ts';
import { messageOf } from '../../runtime/errors.ts';
import { modulePath } from '../../runtime/installation.ts';
import { readSettings } from '../../runtime/settings.ts';
import { describeMachine } from '../inference/machine.ts';
import type { Spread } from '../inference/party/made-people.ts';
import { median } from '../inference/report/results.ts';
import { memoryOf } from '../processes.ts';
import { openPython } from '../python.ts';
import { type MadeGallery, makeGallery } from './made-gallery.ts';
import {
  type Faiss,
  type Loaded,
  type MatchingRow,
  matchingTable,
  type Searched,
  type Times,
} from './report.ts';

const PROJECT_ID = 'bench-matching';
/** Known faces, and strangers, that are looked for. */
const QUERIES = 40;
/** Of each, so many are compared with all faces, too: a second each. */
const COMPARED = 5;
/** The services' clients wait 5 s: less than a busy machine takes to store 100 MB. */
const UPLOAD_MS = 120_000;
/** How far a bfloat16 embedding may be from the float32 one: as of a converted facenet. */
const BFLOAT16_BOUND = 0.03;
const FAISS = { packages: ['faiss-cpu==1.15.1', 'numpy==2.4.6'], modules: ['faiss', 'numpy'] };

export interface MatchingOptions {
  readonly faces: number;
  readonly python?: string | undefined;
  readonly json: boolean;
}

/** @returns a table, or JSON */
export async function benchMatching(
  { faces, python, json }: MatchingOptions,
  say: (words: string) => void,
  step: (what: string) => void,
): Promise<string> {
  const peer = await openPython({ ...FAISS, python }, say).catch((error: unknown) => {
    say(`faiss is left out: ${messageOf(error)}`);
    return undefined;
  });
  const rows: MatchingRow[] = [];
  for (const [spread, people] of [
    ['like-real', Math.ceil(faces / 4)],
    ['everywhere', faces],
  ] as const) {
    const scratch = await mkdtemp(join(tmpdir(), 'elastic-face-matching-'));
    try {
      rows.push(await measure({ spread, faces, people, scratch, peer, step }));
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  }
  if (json) return JSON.stringify(rows, null, 2);
  return `${(await describeMachine()).processor}\n\n${matchingTable(rows)}`;
}

async function measure(options: {
  readonly spread: Spread;
  readonly faces: number;
  readonly people: number;
  readonly scratch: string;
  readonly peer: string | undefined;
  readonly step: (what: string) => void;
}): Promise<MatchingRow> {
  const { spread, faces, people, scratch, peer, step } = options;
  const settings = readSettings({ PROJECT_ID });
  const bucket = cloudNames(PROJECT_ID).peopleBucket;
  const plainFile = join(scratch, 'embeddings');
  const cloud = fork(modulePath('../service/cloud.child.ts', import.meta.url), [
    scratch,
    PROJECT_ID,
  ]);
  const children: ChildProcess[] = [cloud];
  try {
    const { url } = await answerOf<{ url: string }>(cloud);
    step(`making ${faces} faces, ${spread}`);
    const shared = sharedByClients({ ...settings, AWS_ENDPOINT_URL: url }, undefined, UPLOAD_MS);
    const s3 = new S3Client({ ...shared, forcePathStyle: true });
    const { embeddings: real } = await readGallery(settings.MODEL_DIR);
    const gallery = await makeGallery({
      ...{ s3, bucket, real, spread, faces, people, plainFile, queries: QUERIES },
    });
    s3.destroy();
    const headFile = join(scratch, 'head.json');
    await writeFile(headFile, JSON.stringify(gallery.head));
    const task = { url, bucket, folder: join(scratch, 'cache'), headFile, bound: BFLOAT16_BOUND };
    const load = async (): Promise<[ChildProcess, Loaded]> => {
      const child = fork(modulePath('./reader.child.ts', import.meta.url), [JSON.stringify(task)], {
        serialization: 'advanced',
      });
      children.push(child);
      return [child, await answerOf<Loaded>(child)];
    };
    step('loading it');
    const [reader, first] = await load();
    const [other, second] = await load();
    step('searching');
    const searches = await searchIn(reader, gallery);
    await ask(other, 'search', gallery.known);
    const memory = await Promise.all([reader, other].map(({ pid }) => memoryOf(pid ?? 0)));
    step('comparing with every face');
    const { wrong, compared } = await compareIn(reader, gallery, searches);
    for (const child of children) child.kill();
    step('faiss');
    const names = [...searches.known, ...searches.strangers].map((one) => one.names[0]);
    return {
      ...{ spread, faces, people, first, second, wrong, compared },
      memoryBytes: memory.reduce<number | undefined>(
        (sum, one) => (sum === undefined || !one ? undefined : sum + one.proportional),
        0,
      ),
      known: timesOf(searches.known),
      strangers: timesOf(searches.strangers),
      faiss: peer === undefined ? 'not installed' : await runFaiss(peer, plainFile, gallery, names),
    };
  } finally {
    for (const child of children) child.kill();
  }
}

interface Searches {
  readonly known: readonly Searched[];
  readonly strangers: readonly Searched[];
}

async function searchIn(reader: ChildProcess, gallery: MadeGallery): Promise<Searches> {
  // Once unmeasured: the first pages and the compiler's work are not of a match.
  await ask(reader, 'search', gallery.known);
  return {
    known: await ask(reader, 'search', gallery.known),
    strangers: await ask(reader, 'search', gallery.strangers),
  };
}

async function compareIn(reader: ChildProcess, gallery: MadeGallery, searches: Searches) {
  let wrong = 0;
  for (const kind of ['known', 'strangers'] as const) {
    const some = gallery[kind].slice(0, (gallery[kind].length / QUERIES) * COMPARED);
    const plain = await ask(reader, 'compare', some);
    wrong += plain.filter(
      ({ names }, at) => names.join('\n') !== searches[kind][at]?.names.join('\n'),
    ).length;
  }
  return { wrong, compared: 2 * COMPARED };
}

async function ask(
  child: ChildProcess,
  what: 'search' | 'compare',
  queries: Float32Array,
): Promise<Searched[]> {
  child.send({ what, queries });
  return answerOf<Searched[]>(child);
}

async function answerOf<T>(child: ChildProcess): Promise<T> {
  const ended = new AbortController();
  const gone = once(child, 'exit', { signal: ended.signal }).then(([code]) => {
    throw new Error(`A process of the bench ended with ${code}.`);
  });
  const [answer] = await Promise.race([once(child, 'message', { signal: ended.signal }), gone]);
  gone.catch(() => {});
  ended.abort();
  return answer as T;
}

function timesOf(searches: readonly Searched[]): Times {
  const nearest = searches.map(({ nearestMs }) => nearestMs);
  const both = searches.map(({ nearestMs, settledMs }) => nearestMs + settledMs);
  return {
    nearestMs: median(nearest),
    bothMs: median(both),
    shortestNearestMs: Math.min(...nearest),
    shortestBothMs: Math.min(...both),
  };
}

async function runFaiss(
  python: string,
  plainFile: string,
  { known, strangers, nameOf }: MadeGallery,
  names: readonly (string | undefined)[],
): Promise<Faiss> {
  const facesFile = `${plainFile}-faces`;
  await writeFile(facesFile, new Uint8Array(Float32Array.of(...known, ...strangers).buffer));
  const script = join(import.meta.dirname, 'exact_index.py');
  const { stdout } = await promisify(execFile)(python, [script, plainFile, facesFile]);
  const { version, times, rows } = JSON.parse(stdout) as {
    version: string;
    times: number[];
    rows: number[];
  };
  return {
    version,
    knownMs: median(times.slice(0, QUERIES)),
    strangersMs: median(times.slice(QUERIES)),
    shortestMs: Math.min(...times),
    queries: rows.length,
    otherwise: rows.filter((row, at) => nameOf(row) !== names[at]).length,
  };
}
