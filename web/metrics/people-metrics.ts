/** Metrics of the routes about people and the gallery. */
import { Counter, Gauge, Histogram, type Registry } from '@prometheus-io/client';

export interface PeopleMetrics {
  /** @param route method and path, e.g. `GET /v1/people/{id}` */
  people(route: string, status: number, seconds: number): void;
  /** Newest version that this node knows of. */
  galleryVersion(version: number): void;
  forgotten(reason: string): void;
}

export function peopleMetrics(registers: Registry[]): PeopleMetrics {
  const requests = new Counter({
    name: 'elastic_face_people_requests_total',
    help: 'Requests about people and the gallery by route and status of the answer; 499 is a client that left.',
    labelNames: ['route', 'status'],
    registers,
  });
  const duration = new Histogram({
    name: 'elastic_face_people_request_duration_seconds',
    help: 'Time from the head of a request about people to its answer.',
    labelNames: ['route'],
    buckets: [0.01, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60],
    registers,
  });
  const version = new Gauge({
    name: 'elastic_face_gallery_version',
    help: 'Newest version of the live gallery that this node knows; 0 is the model’s own gallery.',
    registers,
  });
  const forgotten = new Counter({
    name: 'elastic_face_people_forgotten_total',
    help: 'People whose receipt this node completed, by reason: request or expiry.',
    labelNames: ['reason'],
    registers,
  });
  return {
    people(route, status, seconds) {
      requests.inc({ route, status: String(status) });
      duration.observe({ route }, seconds);
    },
    galleryVersion: (newest) => version.set(newest),
    forgotten: (reason) => forgotten.inc({ reason }),
  };
}
