/**
 * Clients that take more than their share, at the real web process. Honest clients are timed in the same
 * run without and with them. HOSTILE_CLIENTS=30 makes as many as docs/reliability.md reports.
 */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Service, startService } from '../local/processes/service.ts';
import { asEnvironment } from '../local/stack.ts';
import { startTestCloud, type TestCloud } from './cloud.fixture.ts';
import { until } from './condition.fixture.ts';
import { processesBelow } from './start.fixture.ts';

const CONNECTIONS = Number(process.env.HOSTILE_CLIENTS ?? 10);
const PIPELINED = 1000;
/** What the web tier may take with all of them there. */
const MOST_MB = 400;
const HONEST = 50;

describe('clients that take more than their share', { timeout: 300_000 }, () => {
  let folder: string;
  let cloud: TestCloud;
  let web: Service;
  let port: number;
  const open: Socket[] = [];
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'elastic-face-hostile-'));
    cloud = await startTestCloud();
    web = await startService({
      name: 'web',
      environment: asEnvironment({ ...cloud.settings, HOST: '127.0.0.1' }),
      logFolder: folder,
      graceMs: 30_000,
    });
    port = await web.port;
    await until('the web tier to be ready', async () => (await ask('/readyz')).ok);
  });
  after(async () => {
    for (const socket of open) socket.destroy();
    await web.stop();
    await cloud.close();
    await rm(folder, { recursive: true });
  });

  const ask = (path: string): Promise<Response> => fetch(`http://127.0.0.1:${port}${path}`);
  async function memoryMb(): Promise<number> {
    const below = await processesBelow(process.pid);
    const pid = below.find(({ command }) => / web $/.test(command))?.pid;
    const status = await readFile(`/proc/${pid}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
  }
  /** Sorted ms of honest questions, one after the other. */
  async function honest(): Promise<number[]> {
    const times: number[] = [];
    for (let i = 0; i < HONEST; i++) {
      const start = performance.now();
      const answer = await ask('/healthz');
      assert.equal(await answer.text(), 'ok\n');
      times.push(performance.now() - start);
    }
    return times.sort((a, b) => a - b);
  }

  it(`${CONNECTIONS} connections of ${PIPELINED} pipelined requests that read nothing leave memory and time for others`, async (t) => {
    const before = await honest();
    const requests = 'GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(
      PIPELINED,
    );
    for (let i = 0; i < CONNECTIONS; i++) {
      const socket = connect(port, '127.0.0.1').on('error', () => {});
      socket.pause();
      socket.write(requests);
      open.push(socket);
    }
    const during = await honest();
    const after = await honest();
    const mb = await memoryMb();
    const p99 = (times: number[]): number => times[Math.ceil(times.length * 0.99) - 1]!;
    const ms = [before, during, after].map((times) => `${p99(times).toFixed(0)} ms`);
    t.diagnostic(`web ${mb.toFixed(0)} MB; p99 of an honest question ${ms.join(', then ')}`);
    assert.ok(mb < MOST_MB, `${mb} MB`);
    const limit = Math.max(1000, 20 * p99(before));
    assert.ok(Math.max(p99(during), p99(after)) < limit, ms.join(', '));
  });
});
