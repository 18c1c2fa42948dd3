import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { until } from '../../test/condition.fixture.ts';

const PROGRAM = process.env.FLUENT_BIT ?? '/opt/fluent-bit/bin/fluent-bit';
/** Makes journal files out of text. */
const WRITER = '/lib/systemd/systemd-journal-remote';
const CONFIG = join(import.meta.dirname, 'fluent-bit.yaml');
const CERTIFICATE = 'certificate.pem';
const STREAM = 'i-0123456789abcdef0';

function fluentBitMissing(): string | false {
  if (!existsSync(PROGRAM)) return 'Fluent Bit is not installed: set FLUENT_BIT to its program';
  return !existsSync(WRITER) && `${WRITER} is missing: apt-get install systemd-journal-remote`;
}

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

type Entry = Readonly<Record<string, string>>;
const ofService = (name: string, MESSAGE: string, PRIORITY = '6'): Entry => ({
  ...{ MESSAGE, PRIORITY, _SYSTEMD_UNIT: `elastic-face-${name}.service` },
  SYSLOG_IDENTIFIER: 'node',
});

/** A key and its certificate for 127.0.0.1, in this folder. */
function certificate(folder: string): { key: Buffer; cert: Buffer } {
  const [key, cert] = [join(folder, 'key.pem'), join(folder, CERTIFICATE)];
  const { status, stderr } = spawnSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=127.0.0.1'],
      ...['-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', cert],
    ],
    { encoding: 'utf8' },
  );
  assert.equal(status, 0, stderr);
  return { key: readFileSync(key), cert: readFileSync(cert) };
}

/** A CloudWatch Logs that takes everything, and the messages that arrived, by group and stream. */
function fakeCloudWatch(identity: { key: Buffer; cert: Buffer }) {
  const arrived = new Map<string, string[]>();
  const server = createServer(identity, async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (String(request.headers['x-amz-target']).endsWith('.PutLogEvents')) {
      const put = putSchema.parse(JSON.parse(Buffer.concat(chunks).toString()));
      const to = `${put.logGroupName} ${put.logStreamName}`;
      const messages = put.logEvents.map(({ message }) => message);
      arrived.set(to, [...(arrived.get(to) ?? []), ...messages]);
    }
    // Fluent Bit sends again what was answered without an id.
    response.writeHead(200, {
      'Content-Type': 'application/x-amz-json-1.1',
      'x-amzn-RequestId': randomUUID(),
    });
    response.end('{}');
  });
  return { server, arrived };
}

/** The configuration as it is, but for where the journal, its positions and CloudWatch Logs are. */
function configFor(folder: string, port: number): string {
  const { service, pipeline } = configSchema.parse(parse(readFileSync(CONFIG, 'utf8')));
  const inputs = pipeline.inputs.map((input) => ({
    ...input,
    ...{ path: join(folder, 'journal'), db: join(folder, `${input.tag}.db`) },
  }));
  const outputs = pipeline.outputs.map((output) => ({
    ...output,
    // Its output speaks TLS only.
    ...{ endpoint: '127.0.0.1', port, 'tls.ca_file': join(folder, CERTIFICATE) },
  }));
  return stringify({
    service: { ...service, flush: 0.2 },
    pipeline: { ...pipeline, inputs, outputs },
  });
}

describe('Fluent Bit', { skip: fluentBitMissing(), timeout: 120_000 }, () => {
  const ENVIRONMENT = {
    ...{ PROJECT_ID: 'demo', AWS_REGION: 'eu-central-1', INSTANCE_ID: STREAM },
    ...{ AWS_ACCESS_KEY_ID: 'key', AWS_SECRET_ACCESS_KEY: 'secret' },
  };
  let folder: string;
  let server: Server;
  let arrived: ReadonlyMap<string, readonly string[]>;
  let journals = 0;
  const running = new Set<ChildProcess>();
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'elastic-face-fluent-bit-'));
    mkdirSync(join(folder, 'journal'));
    ({ server, arrived } = fakeCloudWatch(certificate(folder)));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    writeFileSync(
      join(folder, 'fluent-bit.yaml'),
      configFor(folder, (server.address() as AddressInfo).port),
    );
  });
  after(async () => {
    for (const child of running) child.kill('SIGKILL');
    server.closeAllConnections();
    await once(server.close(), 'close');
    rmSync(folder, { recursive: true });
  });

  /** Puts one more file with these entries beside the journal's others. */
  const log = (...entries: readonly Entry[]): void => {
    journals += 1;
    const text = entries.map((entry, index) =>
      Object.entries({
        __REALTIME_TIMESTAMP: String(Date.now() * 1000 + index),
        __MONOTONIC_TIMESTAMP: String(journals * 1000 + index),
        _BOOT_ID: '0123456789abcdef0123456789abcdef',
        ...entry,
      })
        .map(([name, value]) => `${name}=${value}\n`)
        .join(''),
    );
    const file = join(folder, 'journal', `${journals}.journal`);
    const { status, stderr } = spawnSync(WRITER, ['-o', file, '-'], {
      input: `${text.join('\n')}\n`,
      encoding: 'utf8',
    });
    assert.equal(status, 0, stderr);
  };
  const start = (): ChildProcess => {
    const child = spawn(PROGRAM, ['--config', join(folder, 'fluent-bit.yaml')], {
      env: ENVIRONMENT,
      stdio: 'ignore',
    });
    running.add(child);
    child.once('exit', () => running.delete(child));
    return child;
  };
  const shipped = (group: string): readonly string[] =>
    arrived.get(`/elastic-face/demo/${group} ${STREAM}`) ?? [];
  const untilShipped = (count: number) =>
    until(
      `${count} lines to arrive`,
      () => [...arrived.values()].reduce((sum, { length }) => sum + length, 0) >= count,
      { limitMs: 30_000 },
    );

  it('takes the configuration', () => {
    const { status, stderr } = spawnSync(PROGRAM, ['--dry-run', '--config', CONFIG], {
      encoding: 'utf8',
      env: ENVIRONMENT,
    });
    assert.equal(status, 0, stderr);
  });

  it('ships a service’s lines as they are, and of the machine’s only what belongs to nobody else', async (t) => {
    const line = '{"level":"error","msg":"a "quoted" word, a \\\\ and an é"}';
    const failed = {
      ...{ MESSAGE: 'elastic-face-worker.service: Failed with result', PRIORITY: '4' },
      ...{ SYSLOG_IDENTIFIER: 'systemd', UNIT: 'elastic-face-worker.service' },
    };
    const memory = {
      ...{ MESSAGE: 'Out of memory: Killed process 7', PRIORITY: '3' },
      SYSLOG_IDENTIFIER: 'kernel',
    };
    const redis = {
      ...{ MESSAGE: 'Ready to accept connections', PRIORITY: '6' },
      ...{ SYSLOG_IDENTIFIER: 'redis-server', _SYSTEMD_UNIT: 'redis-server.service' },
    };
    const nobody = { MESSAGE: 'Session 1 opened', PRIORITY: '6', SYSLOG_IDENTIFIER: 'sshd' };
    log(
      ofService('worker', line),
      { ...failed, _SYSTEMD_UNIT: 'init.scope' },
      ofService('power-off', 'Powers off'),
      ofService('web', 'web', '3'),
      ofService('scaler', 'scaler'),
      { ...memory, _MACHINE_ID: '0123456789abcdef0123456789abcdef' },
      { ...redis, _HOSTNAME: 'ip-10-0-0-1' },
      nobody,
    );
    const child = start();
    await untilShipped(7);
    assert.deepEqual(shipped('worker'), [line, failed.MESSAGE, 'Powers off']);
    assert.deepEqual(shipped('web'), ['web']);
    assert.deepEqual(shipped('scaler'), ['scaler']);
    assert.deepEqual(
      shipped('system').map((text) => JSON.parse(text)),
      [memory, redis],
    );
    const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
    t.diagnostic(`memory ${/^VmRSS:\s*(.*)$/m.exec(status)?.[1]}`);
    child.kill('SIGTERM');
    await once(child, 'exit');
  });

  it('ships what was logged before it is told to stop', async () => {
    const child = start();
    log(ofService('worker', 'first'));
    await untilShipped(8);
    log(ofService('worker', 'last'));
    child.kill('SIGTERM');
    await once(child, 'exit');
    assert.deepEqual(shipped('worker').slice(-2), ['first', 'last']);
  });

  it('goes on where it stopped, with no line lost or shipped twice', async () => {
    log(ofService('worker', 'meanwhile'));
    start();
    await untilShipped(10);
    assert.equal(shipped('worker').at(-1), 'meanwhile');
    assert.equal([...arrived.values()].flat().length, 10);
  });
});
