/**
 * The faults of networks, clocks, failovers, rivals and crowds, hostile clients among them: how each is done
 * and undone.
 */
import { rm, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { startRedis } from '../../../local/redis.ts';
import type { System } from '../system/system.ts';
import type { FaultOf, HostileKind } from './faults.ts';

type WideFault = FaultOf<
  'link' | 'failover' | 'clock' | 'second-scaler' | 'burst' | 'birth' | 'hostile'
>;

export interface WideParts {
  readonly system: System;
  /** Folder for what a fault needs. */
  readonly folder: string;
  /** Uploads at a multiple of the capacity, for some ms. */
  readonly burst: (times: number, ms: number) => void;
}

/** Undoes it after this many ms, or when the run calms down, whichever is first. */
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

const LOOPBACK = '127.0.0.1';
const HOST = `Host: ${LOOPBACK}\r\n`;
const PIPELINED = 1000;
/** Connections of each kind at once. */
const CONNECTIONS: Readonly<Record<HostileKind, number>> = {
  pipelined: 20,
  'never-reading': 30,
  'slow-uploads': 200,
};
const UPLOAD_BYTES = 16_000_000;
const DRIP_MS = 1000;
const LONG_ANSWER = `GET /docs/swagger-ui-bundle.js HTTP/1.1\r\n${HOST}\r\n`;
const QUICK_ANSWER = `GET /healthz HTTP/1.1\r\n${HOST}\r\n`;
const UPLOAD_HEAD = `POST / HTTP/1.1\r\n${HOST}Content-Type: multipart/form-data; boundary=x\r\nContent-Length: ${UPLOAD_BYTES}\r\n\r\n--x\r\nContent-Disposition: form-data; name="inputFile"; filename="slow.jpg"\r\nContent-Type: image/jpeg\r\n\r\n`;

/**
 * Clients that take more of a web node than their share. They hear no answer and judge nothing.
 * A pipelining client reads; one that is cut off comes again.
 * @param port of the web node
 * @returns ends them all
 */
export function sendHostileClients(how: HostileKind, port: number): () => void {
  const sockets = new Set<Socket>();
  let isOver = false;
  const come = (): void => {
    const socket = connect(port, LOOPBACK);
    sockets.add(socket);
    socket.on('error', () => {}); // Cut off, which is right; 'close' follows.
    socket.on('close', () => {
      sockets.delete(socket);
      if (!isOver) setTimeout(() => isOver || come(), DRIP_MS);
    });
    if (how === 'never-reading') socket.pause();
    else socket.resume();
    if (how === 'slow-uploads') {
      socket.write(UPLOAD_HEAD);
      const drip = setInterval(() => socket.writable && socket.write('x'), DRIP_MS);
      socket.on('close', () => clearInterval(drip));
    } else {
      socket.write((how === 'pipelined' ? QUICK_ANSWER : LONG_ANSWER).repeat(PIPELINED));
    }
  };
  for (let i = 0; i < CONNECTIONS[how]; i++) come();
  return () => {
    isOver = true;
    for (const socket of sockets) socket.destroy();
  };
}
