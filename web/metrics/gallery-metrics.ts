/** Metrics of the gallery that the workers search, from their leases. */
import { Gauge, type Registry } from '@prometheus-io/client';
import type { LeaseReading, Leases } from '../../cloud/redis/leases.ts';
import type { ScalerStatusStore } from '../../cloud/redis/scaler-status.ts';
import { cached } from '../../runtime/cached-value.ts';

const READING_MS = 1000;
/** A worker that has been silent for longer is no longer counted. */
const SILENT_MS = 10_000;

export interface GalleryMetricSources {
  readonly leases: Pick<Leases, 'read'>;
  /** Knows which instances there are. */
  readonly scaler: Pick<ScalerStatusStore, 'read'>;
}

export function galleryMetrics(
  { leases, scaler }: GalleryMetricSources,
  registers: Registry[],
): void {
  const workersNow = cached(async (): Promise<[string, LeaseReading][]> => {
    const instances = (await scaler.read())?.instances ?? [];
    const held = await leases.read(instances.map(({ id }) => id));
    return [...held].filter(([, { silentMs }]) => silentMs < SILENT_MS);
  }, READING_MS);
  new Gauge({
    name: 'elastic_face_worker_gallery_version',
    help: 'Version of the gallery that each worker searches; 0 is its model’s own.',
    labelNames: ['worker'],
    registers,
    async collect() {
      this.reset();
      for (const [worker, { gallery }] of (await workersNow()) ?? []) {
        if (gallery !== undefined) this.set({ worker }, gallery);
      }
    },
  });
  new Gauge({
    name: 'elastic_face_workers_refusing_gallery',
    help: 'Workers that keep an older gallery, because something is wrong with the newest one.',
    registers,
    async collect() {
      const workers = await workersNow();
      const refusing = workers?.filter(([, lease]) => lease.galleryTrouble !== undefined);
      this.set(refusing?.length ?? Number.NaN);
    },
  });
}
