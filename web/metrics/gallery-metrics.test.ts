import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Registry } from '@prometheus-io/client';
import type { LeaseReading } from '../../cloud/redis/leases.ts';
import { galleryMetrics } from './gallery-metrics.ts';

const lease = (more: Partial<LeaseReading>): LeaseReading => ({
  ...{ state: 'idle', forMs: 0, inHand: 0, finished: 0, silentMs: 100 },
  ...more,
});

async function scrape(read: () => Promise<Map<string, LeaseReading>>): Promise<string> {
  const registry = new Registry();
  const instances = ['i-1', 'i-2', 'i-3'].map((id) => ({ id }));
  const scaler = { read: async () => ({ instances }) as never };
  galleryMetrics({ leases: { read }, scaler }, [registry]);
  return registry.metrics();
}

describe('metrics of the gallery that workers search', () => {
  it('tell the version of each worker, and how many keep an older one', async () => {
    const text = await scrape(
      async () =>
        new Map([
          ['i-1', lease({ gallery: 7 })],
          ['i-2', lease({ gallery: 6, galleryTrouble: 'The segment is torn.' })],
          ['i-3', lease({ gallery: 5, galleryTrouble: 'It was torn.', silentMs: 20_000 })],
        ]),
    );
    assert.match(text, /^elastic_face_worker_gallery_version\{worker="i-1"\} 7$/m);
    assert.match(text, /^elastic_face_worker_gallery_version\{worker="i-2"\} 6$/m);
    assert.doesNotMatch(text, /i-3/);
    assert.match(text, /^elastic_face_workers_refusing_gallery 1$/m);
  });

  it('are not a number while Redis cannot be read', async () => {
    const text = await scrape(async () => Promise.reject(new Error('Redis is away.')));
    assert.match(text, /^elastic_face_workers_refusing_gallery Nan$/m);
  });
});
