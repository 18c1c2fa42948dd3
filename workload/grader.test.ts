/** The grader as a user runs it, against the embedded cloud: real SQS, S3 and EC2 calls. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, afterEach, before, test } from 'node:test';
import { provision } from '../cloud/aws/provision.ts';
import { openPhotos } from '../cloud/aws/s3/objects.ts';
import { openQueue, type Queue } from '../cloud/aws/sqs/queues.ts';
import { cloudNames, stemOf } from '../cloud/contract/names.ts';
import { createEc2Clients, type Ec2Clients } from '../cloud/ec2/client.ts';
import { type Fleet, openFleet } from '../cloud/ec2/instances.ts';
import { type LocalCloud, startLocalCloud } from '../local/cloud.ts';
import { LOCAL_IMAGE_ID } from '../local/ec2/lists/offers.ts';
import { readSettings } from '../runtime/settings.ts';
import { silent } from '../test/cloud.fixture.ts';
import { until } from '../test/condition.fixture.ts';

const PROJECT = 'graded';
const names = cloudNames(PROJECT);
const program = join(import.meta.dirname, '..', 'elastic-face.ts');

let folder: string;
let cloud: LocalCloud;
let clients: Ec2Clients;
let fleet: Fleet;
let requests: Queue;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'grader-'));
  cloud = await startLocalCloud({
    port: 0,
    dataDir: join(folder, 'cloud'),
    region: 'us-east-1',
    log: silent,
    // The grader sees instances only through EC2: what they run on does not matter here.
    launcher: () => async () => {
      const { promise: gone, resolve } = Promise.withResolvers<string>();
      return { gone, stop: () => resolve('stopped') };
    },
  });
  const settings = readSettings({ PROJECT_ID: PROJECT, AWS_ENDPOINT_URL: cloud.url }, {});
  clients = createEc2Clients(settings);
  await provision(clients, settings);
  cloud.addExternalInstance('web-instance');
  fleet = openFleet(clients.ec2, {
    projectId: PROJECT,
    imageId: LOCAL_IMAGE_ID,
    userData: {},
  });
  requests = await openQueue(clients.sqs, names.requestQueue);
});

after(async () => {
  clients.destroy();
  await cloud.stop();
  await rm(folder, { recursive: true });
});

afterEach(async () => {
  await terminateAll();
});

function launch(token: string): Promise<unknown> {
  const place = { instanceType: 'c7i.large', subnetId: undefined, spot: false };
  return fleet.launch({ numbers: [1], token, place });
}

async function terminateAll(): Promise<void> {
  await fleet.terminate((await fleet.list()).map(({ id }) => id));
  await until('no instance', async () => (await fleet.list()).length === 0);
}

function start(...flags: string[]): ChildProcess {
  const { PATH } = process.env;
  return spawn(process.execPath, [program, 'grader', ...flags], {
    env: { ...(PATH === undefined ? {} : { PATH }), AWS_ENDPOINT_URL: cloud.url },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

async function grader(...flags: string[]): Promise<{ code: number; out: string; err: string }> {
  return finished(start(...flags));
}

async function finished(child: ChildProcess): Promise<{ code: number; out: string; err: string }> {
  const [out, err, [code]] = await Promise.all([
    text(child.stdout!),
    text(child.stderr!),
    once(child, 'exit'),
  ]);
  return { code, out, err };
}

test('a system at rest passes every check', async () => {
  const { code, out, err } = await grader('--id', PROJECT, '--expect_objects', '0');
  assert.equal(err, '');
  assert.match(out, /pass {2}web tier +1 instance\(s\) named web-instance running/);
  assert.match(out, /pass {2}request queue +graded-req-queue is empty/);
  assert.match(out, /All checks passed\./);
  assert.equal(code, 0);
});

test('the course’s own flags name queues, buckets and keys', async () => {
  const { code, out } = await grader(
    ...['--access_keyId', 'AKIAEXAMPLE', '--access_key', 'secret'],
    ...['--req_sqs', names.requestQueue, '--resp_sqs', 'no-such-queue'],
    ...['--in_bucket', 'no-such-bucket', '--out_bucket', names.outBucket],
  );
  assert.equal(code, 1);
  assert.match(out, /FAIL {2}in-bucket +no-such-bucket does not exist/);
  assert.match(out, /FAIL {2}response queue +no-such-queue does not exist/);
  assert.match(out, /2 of 6 checks failed\./);
});

test('messages, objects and instances that should not be there fail; --empty clears the first two', async () => {
  await requests.send('left behind');
  await openPhotos(clients.s3, names.inBucket).put('old.jpg', Buffer.from('x'), 'image/jpeg');
  await launch('left-behind');
  const expected = ['--id', PROJECT, '--expect_objects', '0', '--expect_fleet', '0'];
  const first = await grader(...expected);
  assert.equal(first.code, 1);
  assert.match(first.out, /FAIL {2}app tier +1 running, 0 pending, where 0 were expected/);
  assert.match(first.out, /FAIL {2}in-bucket .*holds 1 object\(s\), where 0 were expected/);
  assert.match(first.out, /FAIL {2}request queue .*is not empty: 1 visible/);

  await terminateAll();
  const second = await grader(...expected, '--empty');
  assert.match(second.out, /Deleted 1 object\(s\) of graded-in-bucket\./);
  assert.match(second.out, /Purged 1 message\(s\) of graded-req-queue\./);
  assert.match(second.out, /All checks passed\./);
  assert.equal(second.code, 0);
});

test('--watch prints a row each look until it is interrupted', async () => {
  const child = start('--id', PROJECT, '--watch', '--interval', '0.05');
  let out = '';
  child.stdout!.on('data', (chunk: Buffer) => {
    out += chunk.toString();
  });
  const rowOfOne = /\d\d:\d\d:\d\d \| +0 \| +0 \| +0 \| +1 \| +0 \| +0 \| +0\n/;
  await until('rows', () => out.split('\n').length > 4);
  assert.doesNotMatch(out, rowOfOne);
  await launch('watched');
  await until('the new instance in the table', () => rowOfOne.test(out));
  child.kill('SIGINT');
  const [code] = await once(child, 'exit');
  assert.equal(code, 0);
});

test('a cloud that is not there is one clear sentence', async () => {
  const { code, out, err } = await grader('--endpoint_url', 'http://127.0.0.1:1');
  assert.equal(out, '');
  assert.match(err, /^Cannot reach AWS \(.*ECONNREFUSED.*\): check --endpoint_url/);
  assert.equal(code, 1);
});

test('--empty without an endpoint touches nothing unless --yes says that AWS is meant', async () => {
  const { PATH } = process.env;
  const child = spawn(process.execPath, [program, 'grader', '--empty'], {
    env: PATH === undefined ? {} : { PATH },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const { code, out, err } = await finished(child);
  assert.equal(out, '');
  assert.match(
    err,
    /^--empty without an endpoint would delete .* on AWS itself\. .*--yes to confirm\.$/m,
  );
  assert.equal(code, 2);
});

test('wrong flags name themselves', async () => {
  const { code, err } = await grader('--expect_objects', 'many');
  assert.match(err, /^--expect_objects must be a number/);
  assert.equal(code, 2);
  const half = await grader('--num_request', '3');
  assert.match(half.err, /--url must be an http/);
  assert.equal(half.code, 2);
});

/**
 * A small web tier that does what the contract says: stores the photo, queues it, has an instance
 * launched, answers when the instance is seen running, and leaves it to the test to terminate it.
 */
async function startWebTier() {
  const photos = openPhotos(clients.s3, names.inBucket);
  const results = openPhotos(clients.s3, names.outBucket);
  let launched: Promise<unknown> | undefined;
  const server = createServer(async (request, response) => {
    const body = await text(request);
    const file = /filename="([^"]*)"/.exec(body)?.[1] ?? '';
    const stem = stemOf(file);
    await photos.put(file, Buffer.from(body), 'image/jpeg');
    await requests.send(file);
    launched ??= launch(`run-${crypto.randomUUID()}`);
    await launched;
    await until('running', async () => (await fleet.list()).some((i) => i.state === 'running'));
    const [message] = await requests.receive({ most: 1, waitSeconds: 5 });
    await results.put(stem, Buffer.from(`${stem}:Paul`), 'text/plain');
    await requests.delete(message!.receipt);
    response.end(`${stem}:Paul`);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function writePhotos(stems: readonly string[]): Promise<string[]> {
  const photos = await mkdtemp(join(folder, 'photos-'));
  for (const stem of stems) await writeFile(join(photos, `${stem}.jpg`), `photo ${stem}`);
  const csv = `${photos}.csv`;
  await writeFile(csv, `Image,Results\n${stems.map((stem) => `${stem},Paul\n`).join('')}`);
  return ['--image_folder', photos, '--prediction_file', csv];
}

test('a whole run from zero to zero passes, and --json says so in one object', async () => {
  const web = await startWebTier();
  try {
    const child = start(
      ...['--id', PROJECT, '--empty', '--json', '--watch', '--interval', '0.05'],
      ...['--num_request', '3', '--url', web.url, ...(await writePhotos(['a', 'b', 'c']))],
      ...['--expect_objects', '3', '--expect_fleet', '0', '--max_instances', '1'],
    );
    let table = '';
    child.stderr!.on('data', (chunk: Buffer) => {
      table += chunk.toString();
    });
    const end = finished(child);
    await until('a row with one instance and every result', () =>
      /\| +1 \| +0 \| +3 \| +3\n/.test(table),
    );
    await terminateAll();
    const { code, out, err } = await end;
    const result = JSON.parse(out);
    const wrong = result.checks.filter((check: { passed: boolean }) => !check.passed);
    assert.deepEqual(wrong, [], err);
    assert.equal(result.checks.length, 13);
    assert.equal(result.workload.correct, 3);
    assert.equal(code, 0);
  } finally {
    web.stop();
  }
});

test('a fleet that does not go back to zero fails, and the table shows it', async () => {
  const web = await startWebTier();
  try {
    const { code, out } = await grader(
      ...['--id', PROJECT, '--empty', '--watch', '--interval', '0.05', '--settle_seconds', '1'],
      ...['--url', web.url, ...(await writePhotos(['d', 'e']))],
    );
    assert.match(out, /requests visible \| in flight/);
    assert.match(
      out,
      /\| +1 \| +0 \| +2 \| +2\n/,
      'the fleet at 1 beside two objects in each bucket',
    );
    assert.match(out, /FAIL {2}scales in +1 s after the last answer still 1 running, 0 pending/);
    assert.match(out, /pass {2}scales out/);
    assert.match(out, /1 of 13 checks failed\./);
    assert.equal(code, 1);
  } finally {
    web.stop();
  }
});
