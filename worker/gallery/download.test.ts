/** A segment is downloaded whole or not at all, also over connections that break off. */
import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { createAwsClients } from '../../cloud/aws/clients.ts';
import { refOf } from '../../people/segment.ts';
import { download, segmentReader } from './download.ts';
import { SegmentCache } from './segment-cache.ts';

const content = randomBytes(6 * 2 ** 20);
const listed = (bytes: Uint8Array) =>
  refOf(randomUUID(), bytes, { people: 0, faces: 0, length: 1 });

/** What one request is answered with; the last answer is given again. */
type Answer = (body: Buffer, response: ServerResponse) => void;
let answers: Answer[] = [];
/** First bytes that were asked for. */
let asked: number[] = [];
let [open, mostOpen] = [0, 0];

const whole: Answer = (body, response) => response.end(body);
/** Sends some of it and closes the connection. */
const brokenAfter =
  (bytes: number): Answer =>
  (body, response) =>
    response.write(body.subarray(0, bytes), () => response.destroy());

/** By path; `content` where there is none. */
const objects = new Map<string, Buffer>();

const server = createServer((request, response) => {
  const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
  asked.push(from);
  open += 1;
  mostOpen = Math.max(mostOpen, open);
  response.on('close', () => {
    open -= 1;
  });
  const path = (request.url ?? '').split('?', 1)[0]!;
  const body = (objects.get(path) ?? content).subarray(from);
  response.writeHead(from === 0 ? 200 : 206, { 'content-length': body.length });
  const answer = answers.length > 1 ? answers.shift() : answers[0];
  answer?.(body, response);
});

let folder: string;
let clients: ReturnType<typeof createAwsClients>;
before(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const AWS_ENDPOINT_URL = `http://127.0.0.1:${port}`;
  clients = createAwsClients({
    AWS_REGION: 'us-east-1',
    AWS_ENDPOINT_URL,
    ACCOUNT_ID: '123456789012',
  });
  folder = await mkdtemp(join(tmpdir(), 'elastic face download-'));
});
after(async () => {
  clients.destroy();
  server.closeAllConnections();
  server.close();
  await rm(folder, { recursive: true });
});
beforeEach(() => {
  asked = [];
  mostOpen = 0;
});

const reader = () => segmentReader(clients.s3, 'bucket');

test('a download that breaks off goes on where it was, and is checked as a whole', async () => {
  answers = [brokenAfter(2 ** 20), brokenAfter(3 * 2 ** 20), whole];
  const path = join(folder, 'broken');
  await download(reader(), listed(content), path);
  assert.deepEqual(await readFile(path), content);
  assert.equal(asked.length, 3);
  assert.ok(asked[0] === 0 && asked[1]! > 0 && asked[2]! > asked[1]!, String(asked));
});

test('one that brings nothing more is given up', async () => {
  answers = [brokenAfter(2 ** 20), (_body, response) => response.destroy()];
  await assert.rejects(download(reader(), listed(content), join(folder, 'silent')));
  assert.ok(asked.length < 10, String(asked));
});

test('another object, one with more bytes and one with fewer are refused, and nothing is left', async () => {
  answers = [whole];
  const before = await readdir(folder);
  for (const other of [
    Buffer.from(content).fill(1, content.length - 1),
    content.subarray(0, content.length - 1),
    Buffer.concat([content, Buffer.of(0)]),
  ]) {
    await assert.rejects(download(reader(), listed(other), join(folder, 'other')), {
      name: 'SegmentError',
      message: /torn or forged/,
    });
  }
  assert.deepEqual(await readdir(folder), before);
});

test('few large segments are downloaded at once, each of them once for all workers', async () => {
  answers = [whole];
  const parts = Array.from({ length: 8 }, (_, at) => Buffer.from(content).fill(at, 0, 1));
  const refs = parts.map(listed);
  for (const [at, { key }] of refs.entries()) objects.set(`/bucket/${key}`, parts[at]!);
  const workers = [1, 2].map(
    () => new SegmentCache({ folder: join(folder, 'cache'), open: reader() }),
  );
  const files = await Promise.all(workers.map((worker) => worker.provide(refs)));
  assert.deepEqual(files[0], files[1]);
  for (const [at, file] of (files[0] ?? []).entries()) {
    assert.deepEqual(await readFile(file), parts[at]);
  }
  assert.equal(asked.length, parts.length);
  assert.ok(mostOpen <= 3, `${mostOpen} at once`);
});
