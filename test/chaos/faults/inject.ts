/**
 * Carries out scheduled faults on the running system at their times, undoes what lasts, and counts them.
 * Chooses nothing.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { carryOutOnPeople } from '../people/people-faults.ts';
import type { PeopleLoad } from '../people/people-load.ts';
import type { FaultTime } from '../recovery.ts';
import { below, listProcesses, type Process, signal } from '../system/processes.ts';
import type { SmallDisk } from '../system/small-disk.ts';
import { type Fault, inWords, lengthOf, type ProcessKind, rowOf } from './faults.ts';
import type { FaultProxy } from './proxy.ts';
import { type ScheduleOptions, schedule } from './schedule.ts';
import { carryOutWide, type Last, type WideParts } from './wide-faults.ts';

export interface InjectorParts extends WideParts {
  readonly proxy: FaultProxy;
  readonly disk: SmallDisk;
  readonly redis: Redis;
  /** Prefix of the project's keys. */
  readonly keys: string;
  /** Undefined where nobody is changed. */
  readonly people: PeopleLoad | undefined;
}

export interface Injector {
  /** @returns what was hit, in words; undefined when there was nothing to hit. Never rejects. */
  inject(fault: Fault): Promise<string | undefined>;
  /** Undoes all that lasts, at once. */
  calm(): Promise<void>;
}

export function openInjector(parts: InjectorParts): Injector {
  const { system, proxy, disk, redis, keys } = parts;
  const undoings = new Set<() => Promise<void>>();

  const last: Last = (ms, undo) => {
    const over = new AbortController();
    const undone = delay(ms, undefined, { signal: over.signal })
      .catch(() => undefined)
      .then(undo)
      .finally(() => undoings.delete(end));
    const end = (): Promise<void> => {
      over.abort();
      return undone;
    };
    undoings.add(end);
  };

  const targets = async (what: ProcessKind): Promise<readonly number[]> => {
    if (what === 'worker' || what === 'inference') {
      const cloud = system.cloud.pid;
      if (cloud === undefined) return [];
      const all = await listProcesses();
      const workers = all.filter(({ parent }) => parent === cloud);
      const chosen: Process[] =
        what === 'worker' ? workers : workers.flatMap(({ pid }) => below(pid, all));
      return chosen.map(({ pid }) => pid).sort((a, b) => a - b);
    }
    const all = what === 'web' ? system.webs : [system[what]];
    return all.flatMap((one) => (one?.pid === undefined ? [] : [one.pid]));
  };

  const jumpLease = async (
    pick: number,
    of: 'age' | 'state',
    ms: number,
  ): Promise<string | undefined> => {
    const leases = (await redis.keys(`${keys}:lease:*`)).sort();
    const lease = leases[Math.floor(pick * leases.length)];
    if (lease === undefined) return undefined;
    if (of === 'age') await redis.pexpire(lease, ms);
    else {
      const text = await redis.get(lease);
      if (text === null) return undefined;
      const told = { ...(JSON.parse(text) as object), forMs: ms };
      await redis.set(lease, JSON.stringify(told), 'KEEPTTL');
    }
    return lease.split(':').at(-1);
  };

  const carryOut = async (fault: Fault): Promise<string | undefined> => {
    switch (fault.kind) {
      case 'kill':
      case 'pause': {
        const pids = await targets(fault.what);
        const pid = pids[Math.floor(fault.pick * pids.length)];
        if (pid === undefined) return undefined;
        if (fault.kind === 'kill') return signal(pid, 'SIGKILL') ? `pid ${pid}` : undefined;
        if (!signal(pid, 'SIGSTOP')) return undefined;
        last(fault.ms, () => void signal(pid, 'SIGCONT'));
        return `pid ${pid}`;
      }
      case 'calls':
      case 'slow-down': {
        const rule =
          fault.kind === 'calls'
            ? { service: fault.service, fault: fault.fault, share: fault.share }
            : ({ service: 's3', fault: 'throttle', share: 1 } as const);
        proxy.add(rule);
        last(fault.ms, () => proxy.remove(rule));
        return '';
      }
      case 'full-disk':
        if (!disk.canFill) return undefined;
        await disk.fill();
        last(fault.ms, () => disk.free());
        return '';
      case 'people':
        return carryOutOnPeople(fault, parts, last);
      case 'lease-clock':
        return jumpLease(fault.pick, fault.of, fault.ms);
      default:
        return carryOutWide(fault, parts, last);
    }
  };

  return {
    async inject(fault) {
      try {
        return await carryOut(fault);
      } catch {
        return undefined; // Another fault is in the way, e.g. Redis is away.
      }
    },
    async calm() {
      await Promise.all([...undoings].map((end) => end()));
    },
  };
}

export interface FaultRun {
  /** Faults that hit something, by their row in the report. */
  readonly faults: Readonly<Record<string, number>>;
  /** When each of them was, in ms of the monotonic clock. */
  readonly times: readonly FaultTime[];
  /** Faults that found nothing to hit. */
  readonly missed: number;
}

/** Resolves when the signal is aborted. */
export async function injectFaults(options: {
  readonly injector: Pick<Injector, 'inject'>;
  readonly seed: number;
  readonly schedule: ScheduleOptions;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}): Promise<FaultRun> {
  const { injector, seed, signal, say } = options;
  const faults: Record<string, number> = {};
  const times: FaultTime[] = [];
  let missed = 0;
  const began = performance.now();
  for (const { number, at, fault } of schedule(seed, options.schedule)) {
    const wait = Math.max(0, began + at - performance.now());
    await delay(wait, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) break;
    const from = performance.now();
    const hit = await injector.inject(fault);
    const what = hit === undefined ? ': nothing to hit' : hit && ` (${hit})`;
    say(`${((from - began) / 1000).toFixed(1)} s #${number} ${inWords(fault)}${what}`);
    if (hit === undefined) missed += 1;
    else {
      const row = rowOf(fault);
      faults[row] = (faults[row] ?? 0) + 1;
      times.push({ row, from, to: performance.now() + lengthOf(fault) });
    }
  }
  return { faults, times, missed };
}
