/** The generator against a real server on this machine: right, wrong, refused, broken, slow. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import express from 'express';
import multer from 'multer';
import { type ImageFile, listImages } from './photos.ts';
import { createPoster } from './post.ts';
import { type RunPlan, runWorkload } from './run.ts';
import type { RunSummary } from './tally.ts';

let folder: string;
let images: ImageFile[];
const predictions = new Map([
  ['a', 'Paul'],
  ['b "quoted"', 'Emily'],
  ['c', 'Wang'],
  ['größe', 'Bill'],
]);

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'workload-'));
  for (const stem of predictions.keys()) {
    await writeFile(join(folder, `${stem}.jpg`), `bytes of ${stem}`.repeat(10_000));
  }
  await writeFile(join(folder, '.DS_Store'), 'no photo');
  images = await listImages(folder);
});
after(() => rm(folder, { recursive: true }));

const never = new AbortController().signal;

async function runAgainst(
  listener: RequestListener,
  plan: Partial<RunPlan> = {},
  signal = never,
): Promise<RunSummary & { connections: number }> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  let connections = 0;
  server.on('connection', () => connections++);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const whole = { images, requests: images.length, connections: 100, retries: 0, ...plan };
  const poster = createPoster(new URL(`http://127.0.0.1:${port}/`), whole.connections);
  try {
    const tally = await runWorkload(whole, poster, signal);
    return { ...tally.summary(), connections };
  } finally {
    poster.close();
    server.closeAllConnections();
    server.close();
  }
}

/** Reads uploads as the web tier does, and answers with `name(stem)`. */
function recognizer(name: (stem: string) => string | undefined): RequestListener {
  const upload = multer({ storage: multer.memoryStorage(), defParamCharset: 'utf8' });
  return express().post('/', upload.single('inputFile'), (request, response) => {
    const file = request.file!;
    const stem = file.originalname.replace(/\.[^.]*$/, '').replaceAll('%22', '"');
    assert.equal(file.buffer.toString(), `bytes of ${stem}`.repeat(10_000));
    response.type('text/plain').send(`${stem}:${name(stem)}`);
  });
}

test('right answers pass; every file arrives whole under its own name', async () => {
  const summary = await runAgainst(
    recognizer((stem) => predictions.get(stem)),
    { predictions },
  );
  assert.deepEqual(summary.failures, []);
  assert.equal(summary.passed, true);
  assert.equal(summary.successful, 4);
  assert.equal(summary.correct, 4);
  assert.ok(summary.latencyMs!.min > 0 && summary.latencyMs!.max <= summary.durationMs);
});

test('more requests than files go through the files again, over no more connections than asked', async () => {
  const summary = await runAgainst(
    recognizer((stem) => predictions.get(stem)),
    {
      predictions,
      requests: 41,
      connections: 3,
    },
  );
  assert.equal(summary.correct, 41);
  assert.ok(summary.connections <= 3, `${summary.connections} connections`);
});

test('a wrong name fails the run and says what was expected', async () => {
  const summary = await runAgainst(
    recognizer(() => 'Paul'),
    { predictions },
  );
  assert.equal(summary.passed, false);
  assert.deepEqual([summary.successful, summary.correct, summary.wrong], [4, 1, 3]);
  const wrong = summary.failures.find(({ sentence }) => sentence === 'expected Wang, got Paul');
  assert.deepEqual(wrong?.files, ['c.jpg']);
});

test('without predictions names are not judged', async () => {
  const summary = await runAgainst(recognizer(() => 'Anybody'));
  assert.deepEqual([summary.passed, summary.correct, summary.wrong], [true, null, 0]);
});

test('any status but 200 is a failed request, listed with its sentence', async () => {
  const summary = await runAgainst((_request, response) => {
    response.writeHead(422).end('There is no face\nin this photo.');
  });
  assert.deepEqual([summary.passed, summary.successful, summary.failed], [false, 0, 4]);
  assert.deepEqual(
    summary.failures.map(({ kind, sentence, count }) => [kind, sentence, count]),
    [['HTTP 422', 'There is no face in this photo.', 4]],
  );
});

test('a broken connection is sent again as often as asked, and counted', async () => {
  let broken = 0;
  const listener = recognizer((stem) => predictions.get(stem));
  const summary = await runAgainst(
    (request, response) => {
      if (broken++ < 2) request.socket.destroy();
      else listener(request, response);
    },
    { predictions, connections: 1, retries: 2 },
  );
  assert.deepEqual([summary.passed, summary.correct, summary.retries], [true, 4, 2]);
});

test('connections that always break end as failures, not in an endless loop', async () => {
  const summary = await runAgainst((request) => request.socket.destroy(), { retries: 1 });
  assert.deepEqual([summary.passed, summary.failed, summary.retries], [false, 4, 4]);
  assert.ok(summary.failures.every(({ kind }) => kind === 'connection'));
});

test('a server that has gone is a failed request each', async () => {
  const poster = createPoster(new URL('http://127.0.0.1:1/'), 4);
  const plan = { images, requests: 4, connections: 4, retries: 0 };
  const summary = (await runWorkload(plan, poster, never)).summary();
  poster.close();
  assert.equal(summary.failed, 4);
  assert.match(summary.failures[0]!.sentence, /ECONNREFUSED/);
});

test('a slow answer fails only when a timeout was asked for', async () => {
  const silent: RequestListener = (request) => request.resume();
  const summary = await runAgainst(silent, { timeout: 0.05 });
  assert.deepEqual([summary.passed, summary.failed], [false, 4]);
  assert.equal(summary.failures[0]?.kind, 'timeout');
});

test('a photo that has vanished is a failed request and does not end the run', async () => {
  const gone = { path: join(folder, 'gone.jpg'), name: 'gone.jpg', stem: 'gone' };
  const summary = await runAgainst(
    recognizer((stem) => predictions.get(stem)),
    {
      images: [gone, ...images],
      requests: 5,
    },
  );
  assert.deepEqual([summary.successful, summary.failed], [4, 1]);
  assert.match(summary.failures[0]!.sentence, /ENOENT.*gone\.jpg/);
});

test('an answer that comes before a large upload has ended counts, and ends the upload', async () => {
  const path = join(folder, '..', `${Date.now()}-large.jpg`);
  await writeFile(path, Buffer.alloc(30_000_000));
  try {
    const summary = await runAgainst(
      (request, response) => {
        // Never reads the rest: a client that wanted to send it all would wait for ever.
        request.once('data', () => {
          request.pause();
          response.writeHead(413).end('Too large.');
        });
      },
      { images: [{ path, name: 'large.jpg', stem: 'large' }], requests: 3 },
    );
    assert.deepEqual(
      summary.failures.map(({ kind, sentence, count }) => [kind, sentence, count]),
      [['HTTP 413', 'Too large.', 3]],
    );
  } finally {
    await rm(path);
  }
});

test('with a rate, requests begin when they are due and waiting for a connection counts as latency', async () => {
  const begun: number[] = [];
  const summary = await runAgainst(
    (request, response) => {
      begun.push(performance.now());
      request.resume().once('end', () => setTimeout(() => response.end('a:Paul'), 40));
    },
    { images: images.slice(0, 1), requests: 6, connections: 1, rate: 100 },
  );
  assert.equal(summary.successful, 6);
  // Due every 10 ms, answered every 40 ms by the one connection: the last waited for five others.
  assert.ok(summary.latencyMs!.max >= 6 * 40 - 50 - 5, `${summary.latencyMs!.max} ms`);
});

test('an aborted run breaks off what is under way and does not count it', async () => {
  const stopping = new AbortController();
  const summary = await runAgainst(
    (request, response) => {
      request.resume();
      if (request.headers['content-length']) setImmediate(() => stopping.abort());
      response.on('close', () => assert.equal(response.writableEnded, false));
    },
    { requests: 1000, connections: 2 },
    stopping.signal,
  );
  assert.deepEqual([summary.passed, summary.successful, summary.failed], [false, 0, 0]);
});
