import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { it } from 'node:test';
import { openLooks } from './look.ts';

it('the rate is that of photos, however few requests they come in', async () => {
  let photos = 5;
  const server = createServer((_, response) => {
    response.end(
      `elastic_face_http_requests_total{status="200"} 1\nelastic_face_photos_answered_total{outcome="match"} ${photos}\n`,
    );
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const look = openLooks({ webUrl: url, scalerUrl: url });
  const begun = performance.now();
  assert.equal((await look()).photosPerSecond, undefined);
  photos += 10;
  const { photosPerSecond = 0 } = await look();
  const seconds = (performance.now() - begun) / 1000;
  server.close();
  assert.ok(photosPerSecond >= 10 / seconds, `${photosPerSecond}`);
});
