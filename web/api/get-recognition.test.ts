import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { until } from '../../test/condition.fixture.ts';
import { type RunningApp, startApp } from '../app.fixture.ts';
import { ResultUpdates } from './result-updates.ts';

describe('a question for a result', () => {
  const known = randomUUID();
  let app: RunningApp;
  before(async () => {
    app = await startApp({
      parts: {
        api: {
          enqueue: async () => {},
          recognitions: {
            write: async () => {},
            find: async (id) => (id === known ? { record: { photos: [] }, ageMs: 0 } : undefined),
            keep: async () => {},
            replies: async () => [],
          },
          updates: new ResultUpdates(() => ({ close() {} })),
          lateMs: 60_000,
          maxUploadsMb: 4,
        },
      },
    });
  });
  after(() => app.stop());
  const ask = (id: string, headers = {}) => fetch(`${app.url}v1/recognitions/${id}`, { headers });

  it('has an id like every request, its client’s own where it sent one', async () => {
    const [found, unknown] = [await ask(known), await ask(randomUUID())];
    assert.deepEqual([found.status, unknown.status], [200, 404]);
    for (const { headers } of [found, unknown]) {
      assert.match(headers.get('x-request-id') ?? '', /^[0-9a-f-]{36}$/);
    }
    const { instance } = (await unknown.json()) as { instance?: string };
    assert.equal(instance, `urn:uuid:${unknown.headers.get('x-request-id')}`);
    const own = randomUUID();
    assert.equal((await ask(known, { 'X-Request-Id': own })).headers.get('x-request-id'), own);
  });

  it('is in the metrics of requests, apart from those that bring photos', async () => {
    await ask('none');
    const counted = async (line: RegExp): Promise<boolean> =>
      line.test(await (await fetch(`${app.url}metrics`)).text());
    for (const line of [
      /^elastic_face_http_requests_total\{method="GET",status="200"\} 2$/m,
      /^elastic_face_http_requests_total\{method="GET",status="404"\} 2$/m,
      /^elastic_face_http_request_duration_seconds_count\{method="GET"\} 4$/m,
    ]) {
      await until(String(line), () => counted(line));
    }
    assert.ok(!(await counted(/method="POST"/)));
  });
});
