import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { inspect } from 'node:util';
import { temporaryFolder } from '../checkpoint/temporary-file.fixture.ts';
import { DownloadError, download } from './download.ts';
import { serve } from './file-server.fixture.ts';

const NAMES = ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'https_proxy', 'NO_PROXY', 'no_proxy'];

describe('a download where a proxy is set', { timeout: 30_000 }, () => {
  const before = new Map(NAMES.map((name) => [name, process.env[name]]));
  beforeEach(() => {
    for (const name of NAMES) delete process.env[name];
  });
  afterEach(() => {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  });
  const fetchFrom = async (url: string): Promise<string> => {
    const target = join(temporaryFolder(), 'file');
    await download({ url, target, mostBytes: 1000 });
    return readFileSync(target, 'utf8');
  };

  test('goes through it to a host that only the proxy knows, and no other request does', async () => {
    await using files = await serve((_, response) => response.end('by the proxy'));
    const asked: string[] = [];
    const proxy = createServer((request, response) => {
      asked.push(new URL(request.url ?? '').hostname);
      response.end('by the proxy');
    });
    proxy.on('connect', (request, socket) => {
      asked.push(`${request.url}`.split(':')[0]!);
      const { port } = new URL(files.origin);
      const there = connect(Number(port), '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        there.pipe(socket).pipe(there);
      });
      there.on('error', () => socket.destroy());
      socket.on('error', () => there.destroy());
    });
    await new Promise<void>((ready) => proxy.listen(0, '127.0.0.1', ready));
    try {
      process.env.HTTP_PROXY = `http://127.0.0.1:${(proxy.address() as { port: number }).port}`;
      assert.equal(await fetchFrom('http://weights.invalid/file'), 'by the proxy');
      assert.deepEqual(asked, ['weights.invalid']);
      assert.equal(await fetchFrom(`${files.origin}/file`), 'by the proxy');
      await assert.rejects(fetch('http://weights.invalid/file'));
      assert.deepEqual(asked, ['weights.invalid']);
    } finally {
      proxy.close();
      proxy.closeAllConnections();
    }
  });

  test('names the address when the proxy is not there', async () => {
    process.env.HTTP_PROXY = 'http://127.0.0.1:1';
    await assert.rejects(fetchFrom('http://weights.invalid/file'), (error) => {
      assert.ok(error instanceof DownloadError);
      assert.match(error.message, /weights\.invalid.*ECONNREFUSED/);
      return true;
    });
  });

  test('that is no address is named, and what it says is not shown', async () => {
    process.env.HTTPS_PROXY = 'http//user:hunter2@proxy.example:3128';
    for (let attempt = 0; attempt < 2; attempt++) {
      await assert.rejects(fetchFrom('http://127.0.0.1:9/'), (error) => {
        assert.ok(error instanceof DownloadError);
        assert.match(error.message, /HTTPS_PROXY is not the address of a proxy/);
        assert.doesNotMatch(inspect(error), /hunter2/);
        return true;
      });
    }
  });
});
