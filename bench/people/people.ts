/**
 * The live gallery on the whole system: two web nodes and four workers, real photos, and services that are
 * killed. Every figure of docs/reports/people.md.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import { cloudNames } from '../../cloud/contract/names.ts';
import { connectRedis } from '../../cloud/redis/connection.ts';
import { openLeases } from '../../cloud/redis/leases.ts';
import { ensureModel } from '../../convert/ensure-model.ts';
import { freePort } from '../../local/redis.ts';
import { peopleClient } from '../../people/client.ts';
import { headerLine, personLine } from '../../people/exchange.ts';
import type { OnStep } from '../../runtime/progress.ts';
import { readSettings } from '../../runtime/settings.ts';
import { seededChance } from '../../test/chaos/faults/faults.ts';
import { directionOf, whoseEmbeddings } from '../../test/chaos/people/made-embeddings.ts';
import { below, listProcesses, signal } from '../../test/chaos/system/processes.ts';
import { type System, startSystem } from '../../test/chaos/system/system.ts';
import { BenchError } from '../errors.ts';
import { describeMachine, type Machine } from '../inference/machine.ts';
import { type Changed, changeUnderKills, type Subject } from './changing.ts';
import {
  type Enrolled,
  enrolAndRecognise,
  forgetEverybody,
  TAKE_SMALL_FACES,
} from './enrolling.ts';
import { makePairs } from './pairs.ts';

export interface PeopleBenchOptions {
  /** People to enrol and recognise. */
  readonly people: number;
  /** Of changes under kills. */
  readonly seconds: number;
  readonly json: boolean;
}

const PROJECT_ID = 'bench-people';
const WEB_NODES = 2;
const WORKERS = 4;
const CHANGES_PER_SECOND = 50;
/** People who are changed at once, and those of them whose photo is recognised meanwhile. */
const SUBJECTS = 100;
const PHOTOGRAPHED = 14;
const KILL_EVERY_MS = 3000;
const READY_MS = 120_000;

export async function benchPeople(options: PeopleBenchOptions, onStep: OnStep): Promise<string> {
  const { MODEL_DIR, BACKEND } = readSettings();
  await ensureModel(readSettings(), onStep);
  const machine = await describeMachine();
  const folder = await mkdtemp(join(tmpdir(), 'elastic-face-bench-people-'));
  const pairs = await makePairs(options.people, folder);
  const temporary = join(folder, 'tmp');
  await mkdir(temporary);
  const cloudPort = await freePort();
  const system = await startSystem({
    folder,
    settings: {
      PROJECT_ID,
      MODEL_DIR,
      BACKEND,
      MAX_INSTANCES: WORKERS,
      MIN_INSTANCES: WORKERS,
      VISIBILITY_SECONDS: 5,
    },
    cloudPort,
    proxyUrl: `http://127.0.0.1:${cloudPort}`,
    webNodes: WEB_NODES,
    disk: { folder: temporary },
  });
  try {
    const client = peopleClient(system.webUrls[0]!);
    onStep('starting the workers');
    await workersReady(system);
    onStep('forgetting the people of the model');
    await forgetEverybody(client);
    const enrolled = await enrolAndRecognise(system.webUrls, pairs, onStep);
    await forgetEverybody(client);
    const subjects: Subject[] = await enrolUnseen(system, SUBJECTS - PHOTOGRAPHED);
    for (const { person, first, second } of pairs.slice(0, PHOTOGRAPHED)) {
      const enrolment = await client.add(`${person} 0`, [first], TAKE_SMALL_FACES);
      subjects.push({ id: enrolment.person.id, base: person, photo: second });
    }
    onStep('changing people while services are killed');
    const changed = await changeUnderKills({
      urls: system.webUrls,
      subjects,
      perSecond: CHANGES_PER_SECOND,
      seconds: options.seconds,
      kill: killer(system),
      killEveryMs: KILL_EVERY_MS,
    });
    return options.json
      ? JSON.stringify({ enrolled, changed }, null, 2)
      : report(enrolled, changed, machine);
  } finally {
    await system.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/** People without a photo: their embeddings are far from all photos. */
async function enrolUnseen({ webUrls: [url = ''] }: System, count: number): Promise<Subject[]> {
  const expected = await whoseEmbeddings(url, true, new AbortController().signal);
  const chance = seededChance(1);
  const subjects = Array.from({ length: count }, (_, at) => ({
    id: randomUUID(),
    base: `Unseen ${at + 1}`,
  }));
  const lines = subjects.map(({ id, base }) => {
    const embedding = directionOf(expected.length, chance);
    return personLine({ id, name: `${base} 0`, metadata: { counter: 0 } }, [
      { id: randomUUID(), person: id, embedding },
    ]);
  });
  await peopleClient(url).import(new Blob([headerLine(expected), ...lines]));
  return subjects;
}

async function workersReady({ redisUrl }: System): Promise<void> {
  const redis = connectRedis(redisUrl, 'bench', pino({ level: 'silent' }));
  const { keys } = cloudNames(PROJECT_ID);
  const leases = openLeases(redis, keys);
  const end = performance.now() + READY_MS;
  try {
    for (;;) {
      const found = await redis.keys(`${keys}:lease:*`);
      const all = await leases.read(found.map((key) => key.split(':').at(-1)!));
      if ([...all.values()].filter(({ state }) => state === 'idle').length >= WORKERS) return;
      if (performance.now() > end) throw new BenchError(`${WORKERS} workers did not start.`);
      await delay(200);
    }
  } finally {
    redis.disconnect();
  }
}

/** Kills a web node, a worker, its inference or Redis in turn, each time another one. */
function killer({ webs, cloud, redis }: System): () => Promise<string> {
  let turn = 0;
  const workers = async (): Promise<number[]> => {
    const all = await listProcesses();
    return all.filter(({ parent }) => parent === cloud.pid).map(({ pid }) => pid);
  };
  const kinds: readonly [string, () => Promise<(number | undefined)[]>][] = [
    ['web', async () => webs.map(({ pid }) => pid)],
    ['worker', workers],
    ['redis', async () => [redis?.pid]],
    [
      'inference',
      async () => {
        const all = await listProcesses();
        return (await workers()).flatMap((pid) => below(pid, all).map((one) => one.pid));
      },
    ],
  ];
  return async () => {
    const [what, targets] = kinds[turn % kinds.length]!;
    const pids = (await targets()).filter((pid) => pid !== undefined);
    const pid = pids[Math.floor(turn / kinds.length) % Math.max(1, pids.length)];
    turn += 1;
    return pid !== undefined && signal(pid, 'SIGKILL') ? what : `no ${what} to kill`;
  };
}

function report(enrolled: Enrolled, changed: Changed, machine: Machine): string {
  const { processor, features, cores } = machine;
  const kills = Object.entries(changed.kills).map(([what, count]) => `${count} ${what}`);
  return [
    `On ${processor} (${features.join(', ')}), ${cores} cores; ${WEB_NODES} web nodes, ${WORKERS} workers.`,
    '',
    '| enrol, then recognise | |',
    '| --- | --- |',
    `| right on the first try | ${enrolled.right} of ${enrolled.rounds} |`,
    `| answered with an older gallery | ${enrolled.stale} |`,
    `| from the 201 to the right answer | p50 ${enrolled.p50.toFixed(0)} ms, p95 ${enrolled.p95.toFixed(0)} ms |`,
    ...enrolled.wrong.map((line) => `| not right | ${line} |`),
    '',
    '| changes while services are killed | |',
    '| --- | --- |',
    `| accepted | ${changed.accepted}, ${changed.perSecond.toFixed(1)} per second, in ${changed.versions} versions |`,
    `| until a change was answered | p50 ${changed.p50.toFixed(0)} ms, p95 ${changed.p95.toFixed(0)} ms |`,
    `| sent again after a kill | ${changed.repeated} |`,
    `| kills | ${kills.join(', ') || 'none'} |`,
    `| recognitions meanwhile | ${changed.recognised} |`,
    `| promises broken | ${changed.breaches.length} |`,
    ...changed.breaches.slice(0, 20).map((line) => `| broken | ${line} |`),
  ].join('\n');
}
