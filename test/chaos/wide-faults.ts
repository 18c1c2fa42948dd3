/** The faults of networks, clocks, failovers, rivals and crowds: how each is done and undone. */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startRedis } from '../../local/redis.ts';
import type { FaultOf } from './faults.ts';
import { sendHostileClients } from './hostile-clients.ts';
import type { System } from './system.ts';

type WideFault = FaultOf<
  'link' | 'failover' | 'clock' | 'second-scaler' | 'burst' | 'birth' | 'hostile'
>;

export interface WideParts {
  readonly system: System;
  /** Folder for what a fault needs. */
  readonly folder: string;
  /** Uploads at so many times the capacity, for so long. */
  readonly burst: (times: number, ms: number) => void;
}

/** Undoes it after so many ms, or when the run calms down, whichever is first. */
export type Last = (ms: number, undo: () => void | Promise<void>) => void;

/** @returns what was hit, in words; undefined when there was nothing to hit */
export async function carryOutWide(
  fault: WideFault,
  { system, folder, burst }: WideParts,
  last: Last,
): Promise<string | undefined> {
  switch (fault.kind) {
    case 'link':
      return breakLink(fault, system, last);
    case 'failover': {
      const { redis, links } = system;
      if (redis === undefined) return undefined;
      const port = await redis.failOver();
      // Until then the name leads to the one that is read-only now.
      last(fault.ms, () => links.moveRedis(port));
      return `to port ${port}`;
    }
    case 'clock': {
      const node = fault.what === 'web' ? Math.floor(fault.pick * system.webs.length) : 0;
      const file = system.clockFile(fault.what, node);
      await writeFile(file, String(fault.shiftMs));
      last(fault.ms, () => rm(file, { force: true }));
      return fault.what === 'web' ? `node ${node}` : '';
    }
    case 'second-scaler': {
      const redis = await startRedis({
        folder: join(folder, 'second-redis', String(performance.now())),
        logFile: join(folder, 'logs', 'second-redis.log'),
        searchPath: process.env.PATH ?? '',
      });
      const scaler = await system.startSecondScaler(redis.url);
      last(fault.ms, async () => {
        await scaler.stop();
        await redis.stop();
      });
      return `pid ${scaler.pid}`;
    }
    case 'burst':
      burst(fault.times, fault.ms);
      return '';
    case 'birth':
      await writeFile(system.stillbirthFile, '');
      last(fault.ms, () => rm(system.stillbirthFile, { force: true }));
      return '';
    case 'hostile': {
      const node = Math.floor(fault.pick * system.webUrls.length);
      const stop = sendHostileClients(fault.how, Number(new URL(system.webUrls[node]!).port));
      last(fault.ms, stop);
      return `node ${node}`;
    }
  }
}

export function breakLink(
  { link, how, pick, newToo, delayMs, ms }: FaultOf<'link'>,
  { links }: Pick<System, 'links'>,
  last: Last,
): string | undefined {
  const proxies = links.by[link];
  const node = Math.floor(pick * proxies.length);
  const proxy = proxies[node]!;
  const { live } = proxy;
  if (how === 'delay') {
    proxy.delayMs = delayMs;
    last(ms, () => {
      proxy.delayMs = 0;
    });
    return `${live} connections`;
  }
  if (how === 'half-close') proxy.halfClose();
  else {
    proxy.swallow();
    if (newToo) {
      proxy.swallowsNew = true;
      last(ms, () => {
        proxy.swallowsNew = false;
        // What came meanwhile is as dead as if its host had vanished.
      });
    }
  }
  return live === 0 && !newToo ? undefined : `${live} connections`;
}
