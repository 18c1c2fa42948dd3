/** A whole chaos run: system up, load on, faults in, all calm again, and the verdict. Knows no terminal. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import { cloudNames } from '../cloud/names.ts';
import { connectRedis } from '../cloud/redis.ts';
import { freePort } from '../local/redis.ts';
import { seededChance } from './chance.ts';
import { requestsSent } from './deliveries.ts';
import { openInjector } from './inject.ts';
import { faultOf, judge, type Verdict } from './judge.ts';
import { Ledger } from './ledger.ts';
import { type Photo, runLoad } from './load.ts';
import { below, listProcesses, type Process } from './processes.ts';
import { startFaultProxy } from './proxy.ts';
import { livingInstances, readLetters, readOutputs, unrest } from './rest.ts';
import { inWords, schedule } from './schedule.ts';
import { openSmallDisk } from './small-disk.ts';
import { type System, startSystem } from './system.ts';

export interface ChaosOptions {
  readonly requests: number;
  readonly seed: number;
  readonly minutes: number;
  readonly faultsPerMinute: number;
  readonly clients: number;
  readonly photo: (number: number) => Photo | Promise<Photo>;
  /** Over those that a run needs. */
  readonly settings: Record<string, unknown>;
  readonly program?: readonly string[] | undefined;
  readonly signal: AbortSignal;
  /** One line of the event log. */
  readonly say: (line: string) => void;
}

export interface ChaosReport extends Verdict {
  /** Faults that hit something, by their words' first part. */
  readonly faults: Readonly<Record<string, number>>;
  readonly faultCount: number;
  readonly missed: number;
  readonly callsHit: number;
  readonly sent: number;
  /** Lives that ended, by service and how. */
  readonly ends: Readonly<Record<string, number>>;
  readonly seconds: number;
  /** Where the logs are kept after a breach. */
  readonly folder: string | undefined;
}

const PROJECT_ID = 'chaos';
const VISIBILITY_SECONDS = 5;
const REQUEST_SECONDS = 180;
const PATIENCE_MS = (REQUEST_SECONDS + 30) * 1000;
/** Retries wait up to a minute, leases last one, pressure heals within half of one. */
const REST_MS = 240_000;
const WATCH_MS = 2000;
const SILENT = pino({ level: 'silent' });

export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const { seed, minutes, faultsPerMinute, say } = options;
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
    system = await startSystem({
      folder,
      cloudPort,
      proxyUrl: proxy.url,
      disk,
      program: options.program,
      settings: {
        PROJECT_ID,
        VISIBILITY_SECONDS,
        REQUEST_SECONDS,
        IDLE_SECONDS: 5,
        BOOT_SECONDS: 60,
        MAX_INSTANCES: 2,
        ...options.settings,
      },
    });
    const redis = connectRedis(system.settings.REDIS_URL ?? '', 'chaos', SILENT);
    const injector = openInjector({ system, proxy, disk, redis, keys });
    say(`up after ${seconds(performance.now() - begun)}; seed ${seed}, logs in ${folder}`);

    const breaches: string[] = [];
    const faults: Record<string, number> = {};
    let missed = 0;
    const over = new AbortController();
    const began = performance.now();
    const inject = async (): Promise<void> => {
      const visibilityMs = VISIBILITY_SECONDS * 1000;
      for (const { number, at, fault } of schedule(seed, {
        perMinute: faultsPerMinute,
        visibilityMs,
      })) {
        const wait = Math.max(0, began + at - performance.now());
        await delay(wait, undefined, { signal: over.signal }).catch(() => undefined);
        if (over.signal.aborted) return;
        const hit = await injector.inject(fault);
        const words = inWords(fault);
        say(
          `${seconds(performance.now() - began)} #${number} ${words}${hit === undefined ? ': nothing to hit' : hit && ` (${hit})`}`,
        );
        if (hit === undefined) missed += 1;
        else {
          const kind =
            fault.kind === 'calls'
              ? `${fault.service} ${fault.fault}`
              : fault.kind === 'kill' || fault.kind === 'pause'
                ? `${fault.kind} ${fault.what}`
                : fault.kind;
          faults[kind] = (faults[kind] ?? 0) + 1;
        }
      }
    };
    const seen = new Map<number, Process>();
    const watch = async (): Promise<void> => {
      let judged = 0;
      while (!over.signal.aborted) {
        for (const one of below(process.pid, await listProcesses())) seen.set(one.pid, one);
        const fleet = await livingInstances(system!).catch(() => 0);
        const most = system!.settings.MAX_INSTANCES;
        if (fleet > most) breaches.push(`${fleet} instances, with ${most} the most allowed`);
        for (const upload of ledger.uploads
          .filter(({ told }) => told?.kind === 'answer')
          .slice(judged)) {
          judged += 1;
          const wrong = faultOf(upload, true);
          if (wrong !== undefined) say(`BREACH ${wrong}`);
        }
        await delay(WATCH_MS, undefined, { signal: over.signal }).catch(() => undefined);
      }
    };
    const late = AbortSignal.any([AbortSignal.timeout(minutes * 60_000), options.signal]);
    const injecting = inject();
    const watching = watch();
    await runLoad({
      url: system.webUrl,
      requests: options.requests,
      clients: options.clients,
      photo: options.photo,
      patienceMs: PATIENCE_MS,
      ledger,
      signal: late,
    });
    over.abort();
    await Promise.all([injecting, watching]);
    await injector.calm();
    say(`${seconds(performance.now() - began)} all clients have their answers; calm now`);

    breaches.push(...(await comeToRest(system, redis)));
    const outputs = await readOutputs(system);
    const letters = await readLetters(system);
    const webEnds = system.web.ends.map(({ at }) => at);
    for (const letter of letters)
      say(`dead letter ${letter.request?.file ?? letter.id}: ${letter.reason}`);
    const verdict = judge(ledger, { outputs, letters, webEnds });
    for (const one of below(process.pid, await listProcesses())) seen.set(one.pid, one);
    const ends = endsOf(system);
    redis.disconnect();
    await system.stop();
    system = undefined;
    breaches.push(...(await strays(seen)));
    breaches.push(...verdict.breaches);
    breached = breaches.length > 0;
    return {
      ...verdict,
      breaches,
      faults,
      faultCount: Object.values(faults).reduce((sum, count) => sum + count, 0),
      missed,
      callsHit: proxy.hits,
      sent: ledger.uploads.length,
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

async function comeToRest(system: System, redis: Parameters<typeof unrest>[1]): Promise<string[]> {
  const end = performance.now() + REST_MS;
  for (;;) {
    const left = await unrest(system, redis).catch((error: unknown) => ({ [String(error)]: 1 }));
    const found = Object.entries(left);
    if (found.length === 0) return [];
    if (performance.now() > end) {
      return found.map(([what, count]) => `at the end there is still ${what}: ${count}`);
    }
    await delay(500);
  }
}

/** Processes of the run that outlive it. */
async function strays(seen: ReadonlyMap<number, Process>): Promise<string[]> {
  const left = (await listProcesses()).filter(
    ({ pid, command }) => seen.get(pid)?.command === command && !command.startsWith('ps '),
  );
  return left.map(({ pid, command }) => `process ${pid} is still there: ${command.slice(0, 100)}`);
}

function endsOf(system: System): Record<string, number> {
  const ends: Record<string, number> = {};
  for (const name of ['web', 'scaler', 'redis', 'cloud'] as const) {
    for (const { how } of system[name]?.ends ?? []) {
      ends[`${name} ${how}`] = (ends[`${name} ${how}`] ?? 0) + 1;
    }
  }
  return ends;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
