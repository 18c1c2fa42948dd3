import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { put, temporaryFolder } from '../checkpoint/temporary-file.fixture.ts';
import {
  DownloadError,
  type DownloadProgress,
  type DownloadRequest,
  download,
  progressOf,
} from './download.ts';
import { serve } from './file-server.fixture.ts';

const content = Buffer.alloc(300_000, 'weights ');
const identity = {
  bytes: content.length,
  sha256: createHash('sha256').update(content).digest('hex'),
};
const whole: RequestListener = (_, response) => response.end(content);

/** Downloads from a server that answers so, into an empty folder. */
async function fetchFrom(answer: RequestListener, request: Partial<DownloadRequest> = {}) {
  await using server = await serve(answer);
  const folder = temporaryFolder();
  const target = join(folder, 'made/when/needed.pt');
  await download({ url: `${server.origin}/x.pt`, target, mostBytes: 1e6, ...request });
  return { target, files: readdirSync(join(folder, 'made/when')) };
}

describe('a download', { timeout: 30_000 }, () => {
  test('that is what it should be gets its name, and nothing else stays', async () => {
    const { target, files } = await fetchFrom(whole, { identity });
    assert.deepEqual(readFileSync(target), content);
    assert.deepEqual(files, ['needed.pt']);
  });

  test('follows redirects, as release files have them', async () => {
    const { target } = await fetchFrom(
      (request, response) =>
        request.url === '/x.pt'
          ? response.writeHead(302, { location: '/elsewhere' }).end()
          : response.end(content),
      { identity },
    );
    assert.deepEqual(readFileSync(target), content);
  });

  test('says how much has come, of how much, and the time left', async () => {
    const seen: DownloadProgress[] = [];
    const answer: RequestListener = (_, response) =>
      response.writeHead(200, { 'content-length': content.length }).end(content);
    await fetchFrom(answer, { onProgress: (progress) => seen.push(progress) });
    assert.ok(seen.length > 1);
    assert.ok(seen.every(({ total }) => total === content.length));
    assert.deepEqual([seen.at(-1)?.received, seen.at(-1)?.secondsLeft], [content.length, 0]);
  });

  const broken: Record<string, readonly [RequestListener, Partial<DownloadRequest>, RegExp]> = {
    'is not there': [
      (_, response) => response.writeHead(404).end('no'),
      {},
      /the server answered 404 Not Found/,
    ],
    'breaks off in the middle': [
      (_, response) => {
        response.writeHead(200, { 'content-length': content.length });
        response.write(content.subarray(0, 100_000), () => response.destroy());
      },
      {},
      /terminated|closed|socket/,
    ],
    'ends early without a word': [
      (_, response) => response.end(content.subarray(0, 1000)),
      { identity },
      /1000 bytes came where it has 300000/,
    ],
    'brings other bytes': [
      (_, response) => response.end(Buffer.alloc(content.length)),
      { identity },
      /has the SHA-256 \w{64}, not \w{64}/,
    ],
    'brings more than it may': [whole, { mostBytes: 1000 }, /larger than 1000 bytes/],
    'falls silent': [
      (_, response) => response.write(content.subarray(0, 10)),
      { stallMs: 100 },
      /nothing came for 0\.1 s/,
    ],
    'never answers': [() => {}, { answerMs: 100 }, /no answer came within 0\.1 s/],
    'is not what its reader takes': [
      whole,
      { check: () => Promise.reject(new Error('it is a web page')) },
      /it is a web page/,
    ],
  };
  for (const [what, [answer, request, reason]] of Object.entries(broken)) {
    test(`that ${what} leaves nothing behind and keeps what was there`, async () => {
      await using server = await serve(answer);
      const folder = temporaryFolder();
      const target = await put(folder, 'x.pt', 'as it was');
      const url = `${server.origin}/x.pt`;
      await assert.rejects(download({ url, target, mostBytes: 1e6, ...request }), (error) => {
        assert.ok(error instanceof DownloadError);
        assert.ok(error.message.startsWith(`${url} could not be downloaded: `), error.message);
        assert.match(error.message, reason);
        return true;
      });
      assert.deepEqual(readdirSync(folder), ['x.pt']);
      assert.equal(readFileSync(target, 'utf8'), 'as it was');
    });
  }

  test('that is slow but alive is waited for, longer than an answer or a pause may take', async () => {
    const piece = content.length / 10;
    const { target } = await fetchFrom(
      async (_, response) => {
        for (let at = 0; at < content.length; at += piece) {
          await setTimeout(60);
          response.write(content.subarray(at, at + piece));
        }
        response.end();
      },
      { identity, answerMs: 300, stallMs: 300 },
    );
    assert.deepEqual(readFileSync(target), content);
  });

  test('without a network says so', async () => {
    const { origin, asked } = await (async () => {
      await using server = await serve(whole);
      return server;
    })();
    const target = join(temporaryFolder(), 'x.pt');
    await assert.rejects(download({ url: `${origin}/x`, target, mostBytes: 1e6 }), /ECONNREFUSED/);
    assert.deepEqual(asked, []);
  });
});

test('the time left follows the mean rate so far', () => {
  assert.equal(progressOf(25, 100, 2000).secondsLeft, 6);
  assert.equal(progressOf(25, undefined, 2000).secondsLeft, undefined);
  assert.equal(progressOf(0, 100, 2000).secondsLeft, undefined);
});
