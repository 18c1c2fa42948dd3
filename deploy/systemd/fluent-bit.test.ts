import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { until } from '../../test/condition.fixture.ts';

const PROGRAM = process.env.FLUENT_BIT ?? '/opt/fluent-bit/bin/fluent-bit';
const skip = !existsSync(PROGRAM) && 'Fluent Bit is not installed: set FLUENT_BIT to its program';
const CONFIG = join(import.meta.dirname, 'fluent-bit.yaml');

const section = z.record(z.string(), z.unknown());
const configSchema = z.object({
  service: section,
  pipeline: z.object({
    inputs: z.array(section),
    filters: z.array(section),
    outputs: z.array(section),
  }),
});
const putSchema = z.object({
  logGroupName: z.string(),
  logStreamName: z.string(),
  logEvents: z.array(z.object({ message: z.string() })),
});

/** A CloudWatch Logs that takes everything, and the messages that arrived, by group and stream. */
function fakeCloudWatch() {
  const arrived = new Map<string, string[]>();
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    response.setHeader('Content-Type', 'application/x-amz-json-1.1');
    if (String(request.headers['x-amz-target']).endsWith('.PutLogEvents')) {
      const put = putSchema.parse(JSON.parse(Buffer.concat(chunks).toString()));
      const to = `${put.logGroupName} ${put.logStreamName}`;
      const messages = put.logEvents.map(({ message }) => message);
      arrived.set(to, [...(arrived.get(to) ?? []), ...messages]);
    }
    response.end('{}');
  });
  return { server, arrived };
}

/** The configuration as it is, but for where the entries come from and where CloudWatch Logs is. */
function withEntries(entries: Readonly<Record<string, object>>, port: number): string {
  const { service, pipeline } = configSchema.parse(parse(readFileSync(CONFIG, 'utf8')));
  const inputs = Object.entries(entries).map(([tag, entry]) => ({
    name: 'dummy',
    tag,
    dummy: JSON.stringify(entry),
    samples: 1,
  }));
  const outputs = pipeline.outputs.map((output) => ({
    ...output,
    ...{ endpoint: '127.0.0.1', port, tls: 'off' },
  }));
  return stringify({
    service: { ...service, flush: 0.2 },
    pipeline: { ...pipeline, inputs, outputs },
  });
}

describe('Fluent Bit', { skip }, () => {
  const ENVIRONMENT = {
    ...{ PROJECT_ID: 'demo', AWS_REGION: 'eu-central-1', INSTANCE_ID: 'i-0123456789abcdef0' },
    ...{ AWS_ACCESS_KEY_ID: 'key', AWS_SECRET_ACCESS_KEY: 'secret' },
  };

  it('takes the configuration', () => {
    const { status, stderr } = spawnSync(PROGRAM, ['--dry-run', '--config', CONFIG], {
      encoding: 'utf8',
      env: ENVIRONMENT,
    });
    assert.equal(status, 0, stderr);
  });

  it('ships a service’s line as it is, and of the machine’s only what belongs to nobody else', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'elastic-face-fluent-bit-'));
    const { server, arrived } = fakeCloudWatch();
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    const line = '{"level":"error","msg":"a \\"quoted\\" word, a \\\\ and an é"}';
    const warning = {
      ...{ MESSAGE: 'Out of memory: Killed process 7', PRIORITY: '3' },
      ...{ SYSLOG_IDENTIFIER: 'kernel', _MACHINE_ID: 'x' },
    };
    const config = join(folder, 'fluent-bit.yaml');
    const entries = { worker: { MESSAGE: line, PRIORITY: '6' }, system: warning };
    writeFileSync(config, withEntries(entries, port));
    const child = spawn(PROGRAM, ['--config', config], { env: ENVIRONMENT, stdio: 'ignore' });
    t.after(async () => {
      child.kill('SIGKILL');
      server.closeAllConnections();
      await once(server.close(), 'close');
      rmSync(folder, { recursive: true });
    });
    await until('two lines to arrive', () => arrived.size >= 2, { limitMs: 15_000 });
    const stream = 'i-0123456789abcdef0';
    assert.deepEqual(arrived.get(`/elastic-face/demo/worker ${stream}`), [line]);
    const [system = ''] = arrived.get(`/elastic-face/demo/system ${stream}`) ?? [];
    const { _MACHINE_ID: _, ...kept } = warning;
    assert.deepEqual(JSON.parse(system), kept);
  });
});
