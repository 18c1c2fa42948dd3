/** The generator as a user runs it: its flags, its exit codes, what it prints where. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';

const program = join(import.meta.dirname, '..', 'elastic-face.ts');

let folder: string;
let photos: string;
let server: Server;
let url: string;
let onRequest: (() => void) | undefined;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'workload-command-'));
  photos = await mkdtemp(join(folder, 'photos-'));
  for (const stem of ['b', 'a']) await writeFile(join(photos, `${stem}.jpg`), 'photo');
  await writeFile(join(folder, 'right.csv'), 'Image,Results\na,Paul\nb,Paul\n');
  await writeFile(join(folder, 'other.csv'), 'Image,Results\na,Paul\nb,Emily\n');
  server = createServer(async (request, response) => {
    const file = /filename="([^"]*)\.jpg"/.exec(await text(request))?.[1];
    if (onRequest) onRequest();
    else response.end(`${file}:Paul`);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

after(async () => {
  server.closeAllConnections();
  server.close();
  await rm(folder, { recursive: true });
});

function start(...flags: string[]) {
  return spawn(process.execPath, [program, 'workload', ...flags], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

async function finished(child: ReturnType<typeof start>) {
  const [out, err, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ]);
  return { code, out, err };
}

test('all right: a table and exit code 0, under either name of the flags', async () => {
  for (const names of [
    ['--num_request', '--url'],
    ['--n', '--server'],
  ] as const) {
    const { code, out, err } = await finished(
      start(
        ...[names[0], '5', names[1], url, '--image_folder', photos],
        ...['--prediction_file', join(folder, 'right.csv')],
      ),
    );
    assert.equal(err, '');
    assert.match(out, /\| requests +\| +5 \|/);
    assert.match(out, /\| correct +\| +5 \|/);
    assert.equal(code, 0);
  }
});

test('one wrong name: exit code 1, and --json prints one object', async () => {
  const { code, out } = await finished(
    start(
      ...['--url', url, '--image_folder', photos, '--json'],
      ...['--prediction_file', join(folder, 'other.csv')],
    ),
  );
  const summary = JSON.parse(out);
  assert.deepEqual([summary.requests, summary.correct, summary.wrong], [2, 1, 1]);
  assert.equal(summary.failures[0].sentence, 'expected Emily, got Paul');
  assert.equal(code, 1);
});

test('Ctrl-C still says how far the run came, and is no pass', async () => {
  const child = start('--url', url, '--image_folder', photos);
  const end = finished(child);
  onRequest = () => child.kill('SIGINT');
  try {
    const { code, out, err } = await end;
    assert.match(out, /\| successful +\| +0 \|/);
    assert.match(err, /Interrupted after 0 of 2 requests\./);
    assert.equal(code, 130);
  } finally {
    onRequest = undefined;
  }
});

for (const [what, flags, message, expected = 2] of [
  ['an address nobody listens at', { url: 'http://127.0.0.1:1' }, /^--url .* cannot be reached/, 1],
  ['an address of another kind', { url: 'ftp://127.0.0.1' }, /^--url must be an http/],
  [
    'a folder that is not there',
    { image_folder: '/no/such/folder' },
    /^--image_folder .*ENOENT/,
    1,
  ],
  ['a number that is not one', { num_request: 'ten' }, /^--num_request must be a number/],
  ['no connection at all', { connections: '0' }, /^--connections must be a whole number/],
  ['a rate of nothing', { rate: '0' }, /^--rate must be a number above 0/],
  [
    'predictions that are not there',
    { prediction_file: '/no.csv' },
    /^--prediction_file .*ENOENT/,
    1,
  ],
] as const) {
  test(`${what} is reported in a sentence that names the flag`, async () => {
    const all = { url, image_folder: photos, ...flags };
    const { code, out, err } = await finished(
      start(...Object.entries(all).flatMap(([name, value]) => [`--${name}`, value])),
    );
    assert.equal(out, '');
    assert.match(err, message);
    assert.equal(code, expected);
  });
}

test('an empty folder is reported in a sentence that names the flag', async () => {
  const empty = await mkdtemp(join(folder, 'empty-'));
  const { code, err } = await finished(start('--url', url, '--image_folder', empty));
  assert.match(err, /^--image_folder .* contains no files/);
  assert.equal(code, 1);
});
