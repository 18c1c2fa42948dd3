/** The web tier's metrics for Prometheus, with its conventions for names and units. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from '@prometheus-io/client';
import type { Queue } from '../../cloud/aws/sqs/queues.ts';
import type { Pressure } from '../../cloud/redis/pressure.ts';
import { cached } from '../../runtime/cached-value.ts';
import type { Waiters } from '../recognize/waiters.ts';
import type { Admission } from '../upload/admission.ts';
import { type GalleryMetricSources, galleryMetrics } from './gallery-metrics.ts';
import { type PeopleMetrics, peopleMetrics } from './people-metrics.ts';
import { type ReplyMetrics, replyMetrics } from './reply-metrics.ts';

/** Minimum intervals at which a node reads SQS and Redis, however often it is scraped. */
const SQS_READING_MS = 15_000;
const REDIS_READING_MS = 1000;

export interface WebMetrics extends ReplyMetrics, PeopleMetrics {
  readonly registry: Registry;
  /** @param method POST for photos, GET or HEAD for results */
  observe(method: string, status: number, seconds: number): void;
  /** One photo was answered: `match`, or the code of its problem. */
  photo(outcome: string): void;
}

export interface MetricSources {
  readonly waiters: Waiters;
  readonly admission: Admission;
  readonly pressure: Pick<Pressure, 'read'>;
  /** Queues by the value of their `queue` label. */
  readonly queues: Readonly<Record<string, Pick<Queue, 'depth'>>>;
  readonly isReady: () => boolean;
  /** Of the workers. */
  readonly workers: GalleryMetricSources;
}

export function webMetrics(sources: MetricSources): WebMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const requests = new Counter({
    name: 'elastic_face_http_requests_total',
    help: 'Requests for recognition by method (POST brings photos, GET asks for results) and status of the answer; 499 is a client that left.',
    labelNames: ['method', 'status'],
    registers,
  });
  const duration = new Histogram({
    name: 'elastic_face_http_request_duration_seconds',
    help: 'Time from the head of a request to its answer; a GET may wait for it.',
    labelNames: ['method'],
    buckets: [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300],
    registers,
  });
  const photos = new Counter({
    name: 'elastic_face_photos_answered_total',
    help: 'Photos answered, on the connection or kept for later, by outcome: match, or the problem.',
    labelNames: ['outcome'],
    registers,
  });
  gauges(sources, registers);
  galleryMetrics(sources.workers, registers);
  return {
    registry,
    ...replyMetrics(registers),
    ...peopleMetrics(registers),
    observe(method, status, seconds) {
      requests.inc({ method, status: String(status) });
      duration.observe({ method }, seconds);
    },
    photo: (outcome) => photos.inc({ outcome }),
  };
}

/** Gauges that are read at each scrape. A failed reading is NaN: neither 0 nor the last value is true. */
function gauges(
  { waiters, admission, pressure, queues, isReady }: MetricSources,
  registers: Registry[],
): void {
  const gauge = (name: string, help: string, value: () => number | Promise<number>): void => {
    new Gauge({
      name,
      help,
      registers,
      async collect() {
        this.set(await value());
      },
    });
  };
  gauge('elastic_face_ready', 'Whether this node can take photos, as /readyz says.', () =>
    isReady() ? 1 : 0,
  );
  gauge(
    'elastic_face_waiters',
    'Clients of this node that wait for their answer.',
    () => waiters.count,
  );
  gauge(
    'elastic_face_upload_bytes',
    'Memory that uploads have reserved until their photos are stored.',
    () => admission.uploadBytes,
  );
  const pressureNow = cached(() => pressure.read(), REDIS_READING_MS);
  gauge(
    'elastic_face_pressure_requests',
    'Requests that are waiting or in progress, by the pressure set in Redis.',
    async () => (await pressureNow())?.count ?? Number.NaN,
  );
  gauge(
    'elastic_face_oldest_request_age_seconds',
    'Age of the oldest request that has no answer yet; 0 if every request is answered.',
    async () => {
      const reading = await pressureNow();
      if (reading === undefined) return Number.NaN;
      return (reading.oldestMs ?? 0) / 1000;
    },
  );
  const depths = Object.entries(queues).map(
    ([queue, opened]) => [queue, cached(() => opened.depth(), SQS_READING_MS)] as const,
  );
  new Gauge({
    name: 'elastic_face_queue_messages',
    help: 'Messages by queue and state, by SQS’s own count; the queue dead_letters should be empty.',
    labelNames: ['queue', 'state'],
    registers,
    async collect() {
      await Promise.all(
        depths.map(async ([queue, depthNow]) => {
          const depth = await depthNow();
          this.set({ queue, state: 'visible' }, depth?.visible ?? Number.NaN);
          this.set({ queue, state: 'in_flight' }, depth?.inFlight ?? Number.NaN);
        }),
      );
    },
  });
}
