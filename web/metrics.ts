/** The web tier's measurements in Prometheus' text form, under its conventions for names and units. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Pressure } from '../cloud/pressure.ts';
import type { Queue } from '../cloud/queues.ts';
import type { Admission } from './admission.ts';
import type { Waiters } from './waiters.ts';

export interface WebMetrics {
  readonly registry: Registry;
  observe(status: number, seconds: number): void;
}

export interface MetricSources {
  readonly waiters: Waiters;
  readonly admission: Admission;
  readonly pressure: Pressure;
  /** Queues by the value of their `queue` label. */
  readonly queues: Readonly<Record<string, Queue>>;
}

export function webMetrics({ waiters, admission, pressure, queues }: MetricSources): WebMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const requests = new Counter({
    name: 'elastic_face_http_requests_total',
    help: 'Photos posted, by status of the answer.',
    labelNames: ['status'],
    registers,
  });
  const duration = new Histogram({
    name: 'elastic_face_http_request_duration_seconds',
    help: 'Time from the head of a request to its answer.',
    buckets: [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300],
    registers,
  });
  new Gauge({
    name: 'elastic_face_waiters',
    help: 'Clients of this node that wait for their answer.',
    registers,
    collect() {
      this.set(waiters.count);
    },
  });
  new Gauge({
    name: 'elastic_face_upload_bytes',
    help: 'Memory that uploads have reserved until their photos are stored.',
    registers,
    collect() {
      this.set(admission.uploadBytes);
    },
  });
  new Gauge({
    name: 'elastic_face_pressure_requests',
    help: 'Requests that are waiting or in work, by the pressure set in Redis.',
    registers,
    async collect() {
      const reading = await pressure.read().catch(() => undefined);
      // A reading that failed is not a zero, and the last one is no longer true.
      this.set(reading?.count ?? Number.NaN);
    },
  });
  new Gauge({
    name: 'elastic_face_queue_messages',
    help: 'Messages by queue and state, by SQS’s own count; the queue dead_letters should be empty.',
    labelNames: ['queue', 'state'],
    registers,
    async collect() {
      await Promise.all(
        Object.entries(queues).map(async ([queue, opened]) => {
          const depth = await opened.depth().catch(() => undefined);
          this.set({ queue, state: 'visible' }, depth?.visible ?? Number.NaN);
          this.set({ queue, state: 'in_flight' }, depth?.inFlight ?? Number.NaN);
        }),
      );
    },
  });
  return {
    registry,
    observe(status, seconds) {
      requests.inc({ status: String(status) });
      duration.observe(seconds);
    },
  };
}
