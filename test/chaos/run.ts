/** A whole chaos run: system up, load on, faults in, all calm again, and the verdict. Knows no terminal. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import { cloudNames } from '../../cloud/contract/names.ts';
import { fileOf } from '../../cloud/contract/queued.ts';
import { connectRedis } from '../../cloud/redis/connection.ts';
import { freePort } from '../../local/redis.ts';
import { requestsSent } from './faults/deliveries.ts';
import { seededChance } from './faults/faults.ts';
import { injectFaults, openInjector } from './faults/inject.ts';
import { startFaultProxy } from './faults/proxy.ts';
import { costBreaches, costOf, watchFleet } from './fleet-cost.ts';
import { faultOf, judge, leaks } from './judge.ts';
import { Ledger } from './ledger.ts';
import { startLoad } from './load.ts';
import type { ChaosOptions, ChaosReport } from './options.ts';
import { startPeopleLoad } from './people/people-load.ts';
import { recoveries } from './recovery.ts';
import { comeToRest, readLetters, readOutputs } from './rest.ts';
import { below, listProcesses, type Process, strays } from './system/processes.ts';
import { openSmallDisk } from './system/small-disk.ts';
import { type System, startSystem } from './system/system.ts';

const PROJECT_ID = 'chaos';
/** Either takes replies out of the queue that the other's clients wait for. */
const WEB_NODES = 2;
const VISIBILITY_SECONDS = 5;
const REQUEST_SECONDS = 180;
const PATIENCE_MS = (REQUEST_SECONDS + 30) * 1000;
const WATCH_MS = 1000;
/** Of the time without faults, the beginning in which the crowd of the measurement is answered. */
const SETTLE_SHARE = 0.25;
const SILENT = pino({ level: 'silent' });

export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const { seed, minutes, say } = options;
  const folder = await mkdtemp(join(tmpdir(), 'elastic-face-chaos-'));
  const disk = await openSmallDisk(join(folder, 'tmp'));
  if (!disk.canFill) say('The temp folder cannot be filled: a tmpfs may not be mounted here.');
  const ledger = new Ledger();
  const { requestQueue, keys } = cloudNames(PROJECT_ID);
  const cloudPort = await freePort();
  const proxy = await startFaultProxy({
    port: cloudPort,
    chance: seededChance(seed + 1),
    onDone(call, answer) {
      for (const request of requestsSent(call, answer, requestQueue)) ledger.accept(request);
    },
  });
  const begun = performance.now();
  let system: System | undefined;
  let breached = true;
  try {
    const settings = {
      PROJECT_ID,
      VISIBILITY_SECONDS,
      REQUEST_SECONDS,
      IDLE_SECONDS: 5,
      BOOT_SECONDS: 60,
      MAX_INSTANCES: 2,
      ...options.settings,
    };
    const { program } = options;
    const parts = { folder, cloudPort, proxyUrl: proxy.url, webNodes: WEB_NODES };
    system = await startSystem({ ...parts, disk, program, settings });
    if (system.redis === undefined) {
      say('There is no redis-server: it can be neither killed nor stopped nor fail over.');
    }
    const redis = connectRedis(system.redisUrl, 'chaos', SILENT);
    say(`up after ${seconds(performance.now() - begun)}; seed ${seed}, logs in ${folder}`);

    const late = AbortSignal.any([AbortSignal.timeout(minutes * 60_000), options.signal]);
    const load = startLoad({
      urls: system.webUrls,
      requests: options.requests,
      clients: options.clients,
      share: options.share,
      measureMs: options.leadSeconds * 1000,
      photo: options.photo,
      patienceMs: PATIENCE_MS,
      ledger,
      signal: late,
    });
    const breaches: string[] = [];
    const noMorePeople = new AbortController();
    const over = new AbortController();
    const fleet = watchFleet(system.clients.ec2);
    const seen = new Map<number, Process>();
    const watch = async (): Promise<void> => {
      let judged = 0;
      while (!over.signal.aborted) {
        for (const one of below(process.pid, await listProcesses())) seen.set(one.pid, one);
        const living = await fleet.look().catch(() => 0);
        const most = system!.settings.MAX_INSTANCES;
        if (living > most) breaches.push(`${living} instances, with ${most} the most allowed`);
        const answered = ledger.uploads.filter(({ told }) => told?.kind === 'answer');
        for (const upload of answered.slice(judged)) {
          judged += 1;
          const wrong = faultOf(upload, true);
          if (wrong !== undefined) say(`BREACH ${wrong}`);
        }
        await delay(WATCH_MS, undefined, { signal: over.signal }).catch(() => undefined);
      }
    };
    const watching = watch();
    const capacity = await load.capacity;
    const leadMs = options.leadSeconds * 1000;
    const measured = performance.now();
    say(`${capacity.toFixed(1)} answers a second without faults`);
    const people =
      options.people &&
      startPeopleLoad({
        urls: system.webUrls,
        seed: seed + 2,
        searches: options.people.searches,
        signal: AbortSignal.any([late, noMorePeople.signal]),
        onBreach: (words) => say(`BREACH ${words}`),
      });
    const burst = (times: number, ms: number): void => load.burst(times * capacity, ms);
    const injector = openInjector({ system, proxy, disk, redis, keys, folder, burst, people });
    const stopping = new AbortController();
    const injecting = injectFaults({
      injector,
      seed,
      schedule: {
        perMinute: options.faultsPerMinute,
        ...(options.faultsPerStorm === undefined ? {} : { stormFaults: options.faultsPerStorm }),
        visibilityMs: VISIBILITY_SECONDS * 1000,
        leadMs,
        people: people !== undefined,
        quietMs: options.quietSeconds * 1000,
        longestMs: options.longestSeconds * 1000,
      },
      signal: stopping.signal,
      say,
    });
    await load.begun;
    noMorePeople.abort();
    const until = performance.now();
    stopping.abort();
    const faultRun = await injecting;
    await injector.calm();
    await Promise.all([load.done, people?.done]);
    say(`${seconds(performance.now() - measured)} all clients have their answers; calm now`);

    breaches.push(...((await people?.judge()) ?? []));
    breaches.push(...(await comeToRest(system, redis, say)));
    over.abort();
    await watching;
    const outputs = await readOutputs(system);
    const letters = await readLetters(system);
    const webEnds = system.webs.map(({ ends }) => ends.map(({ at }) => at));
    for (const { request, id, reason } of letters) {
      say(`dead letter ${request ? fileOf(request) : id}: ${reason}`);
    }
    const verdict = judge(ledger, { outputs, letters, webEnds });
    const calmFrom = measured + leadMs * SETTLE_SHARE;
    const recovered = recoveries(ledger.uploads, faultRun.times, { calmFrom, until });
    const cost = costOf(fleet, faultRun.times, { calmFrom, until, begun });
    for (const one of below(process.pid, await listProcesses())) seen.set(one.pid, one);
    const ends = endsOf(system);
    redis.disconnect();
    const { secrets, settings: used } = system;
    const hasRedisServer = system.redis !== undefined;
    await system.stop();
    system = undefined;
    breaches.push(
      ...(await strays(seen)),
      ...(await leaks(join(folder, 'logs'), secrets)),
      ...recovered.breaches,
      ...costBreaches(cost, used.MAX_INSTANCES),
      ...verdict.breaches,
    );
    breached = breaches.length > 0;
    const sentInBursts = ledger.uploads.filter(({ isBurst }) => isBurst).length;
    return {
      ...verdict,
      breaches,
      capacity,
      recoveries: recovered,
      cost,
      people: people?.counts,
      faults: faultRun.faults,
      missed: faultRun.missed,
      callsHit: proxy.hits,
      hasRedisServer,
      sent: ledger.uploads.length - sentInBursts,
      sentInBursts,
      ends,
      seconds: (performance.now() - begun) / 1000,
      folder: breached ? folder : undefined,
    };
  } finally {
    await system?.stop();
    await proxy.close();
    await disk.close();
    if (!breached) await rm(folder, { recursive: true, force: true });
  }
}

function endsOf({ webs, scaler, redis, cloud }: System): Record<string, number> {
  const ends: Record<string, number> = {};
  const all = { web: webs, scaler: [scaler], redis: redis ? [redis] : [], cloud: [cloud] };
  for (const [name, services] of Object.entries(all)) {
    for (const { how } of services.flatMap((service) => service.ends)) {
      ends[`${name} ${how}`] = (ends[`${name} ${how}`] ?? 0) + 1;
    }
  }
  return ends;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
