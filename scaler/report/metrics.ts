/** The scaler's measurements in Prometheus' text form, under its conventions for names and units. */
import { Counter, collectDefaultMetrics, Gauge, Registry } from '@prometheus-io/client';
import { leaseStates } from '../../cloud/redis/leases.ts';
import { closedNow } from './status.ts';
import type { LoopView } from './view.ts';

/** An unreadable value is not zero. */
const UNKNOWN = Number.NaN;
/** An instance that has not spoken for this long is shown as silent; it speaks once a second. */
const SILENT_MS = 5000;

interface FleetBounds {
  readonly MAX_INSTANCES: number;
  readonly MIN_INSTANCES: number;
  readonly WARM_POOL: number;
}

export function scalerMetrics(view: () => LoopView, bounds: FleetBounds): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const gauge = (
    name: string,
    help: string,
    value: (seen: LoopView) => number | undefined,
  ): void => {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(value(view()) ?? UNKNOWN);
      },
    });
  };
  /** Several values under one label each; those of the last look only. */
  const gauges = (
    name: string,
    help: string,
    labelNames: string[],
    values: (seen: LoopView) => readonly [Record<string, string>, number][],
  ): void => {
    new Gauge({
      name,
      help,
      labelNames,
      registers,
      collect() {
        this.reset();
        for (const [labels, value] of values(view())) this.set(labels, value);
      },
    });
  };
  const counter = (
    name: string,
    help: string,
    labelNames: string[],
    values: (seen: LoopView) => readonly [Record<string, string>, number][],
  ): void => {
    new Counter({
      name,
      help,
      labelNames,
      registers,
      collect() {
        this.reset();
        for (const [labels, value] of values(view())) this.inc(labels, value);
      },
    });
  };

  gauge(
    'elastic_face_scaler_leads',
    'Whether this scaler leads, with or without Redis.',
    ({ role }) => (role === 'leader' || role === 'alone' ? 1 : 0),
  );
  gauge(
    'elastic_face_scaler_rival',
    'Whether it stands by because a scaler with another Redis leads the project.',
    ({ hasRival }) => (hasRival ? 1 : 0),
  );
  gauge(
    'elastic_face_scaler_last_look_timestamp_seconds',
    'When this scaler last looked at the fleet; it does so every second while it leads.',
    // The loop's clock is not set when the machine's is: only its ages are taken.
    ({ seen, now }) => seen && (Date.now() - (now - seen.observation.now)) / 1000,
  );
  gauges(
    'elastic_face_scaler_readable',
    'Whether each source was readable at the last look; absent while another scaler leads.',
    ['source'],
    ({ seen }) => {
      if (seen === undefined) return [];
      const { instances, leases, pressure, depth } = seen.observation;
      return Object.entries({ instances, leases, pressure, queue: depth }).map(
        ([source, reading]) => [{ source }, reading === undefined ? 0 : 1],
      );
    },
  );
  gauges(
    'elastic_face_scaler_fleet_bound_instances',
    'Minimum and maximum number of instances, and size of the warm pool.',
    ['bound'],
    () => [
      [{ bound: 'smallest' }, bounds.MIN_INSTANCES],
      [{ bound: 'largest' }, bounds.MAX_INSTANCES],
      [{ bound: 'warm_pool' }, bounds.WARM_POOL],
    ],
  );
  gauge(
    'elastic_face_scaler_arrivals_per_second',
    'Measured arrivals per second.',
    ({ seen }) => seen?.situation?.arrivalsPerSecond,
  );
  gauge(
    'elastic_face_scaler_service_seconds',
    'Measured time of one request on one instance.',
    ({ seen }) => seen?.situation?.serviceSeconds,
  );
  gauge(
    'elastic_face_scaler_boot_seconds',
    'Measured time from launch to being ready for work.',
    ({ seen }) => seen?.situation?.bootSeconds,
  );
  gauge(
    'elastic_face_scaler_pressure_requests',
    'Requests that are waiting or in progress, by the pressure set in Redis.',
    ({ seen }) => seen?.observation.pressure?.count,
  );
  gauges(
    'elastic_face_scaler_queue_messages',
    'Messages in the request queue by state, by SQS’s own count.',
    ['state'],
    ({ seen }) => {
      const depth = seen?.observation.depth;
      if (depth === undefined) return [];
      return [
        [{ state: 'visible' }, depth.visible],
        [{ state: 'in_flight' }, depth.inFlight],
      ];
    },
  );
  gauges(
    'elastic_face_scaler_instances',
    'App-tier instances by EC2’s state, without terminated ones.',
    ['state'],
    ({ seen }) => {
      const instances = seen?.observation.instances;
      if (instances === undefined) return [];
      return ['pending', 'running', 'shutting-down', 'stopping', 'stopped'].map((state) => [
        { state },
        instances.filter((instance) => instance.state === state).length,
      ]);
    },
  );
  gauges(
    'elastic_face_scaler_workers',
    'Instances by the state that their workers report; silent means no report for 5 s.',
    ['state'],
    ({ seen }) => {
      const leases = seen?.observation.leases;
      if (leases === undefined) return [];
      const counts = new Map<string, number>([...leaseStates, 'silent'].map((state) => [state, 0]));
      for (const { state, silentMs } of leases.values()) {
        const shown = silentMs > SILENT_MS ? 'silent' : state;
        counts.set(shown, (counts.get(shown) ?? 0) + 1);
      }
      return [...counts].map(([state, count]) => [{ state }, count]);
    },
  );
  gauges(
    'elastic_face_scaler_closed_seconds',
    'Seconds for which launches are on hold, by what is closed and EC2’s code.',
    ['what', 'code'],
    ({ closures, backoff, now }) =>
      closedNow(closures, backoff, now).map(([what, { code, until }]) => [
        { what, code },
        (until - now) / 1000,
      ]),
  );
  gauge(
    'elastic_face_scaler_young_deaths',
    'Launched instances in a row that ended before taking work; above 0, instances are launched one at a time.',
    ({ backoff }) => backoff?.deaths ?? 0,
  );
  counter('elastic_face_scaler_launches_total', 'Instances launched.', [], ({ tally }) => [
    [{}, tally.launched],
  ]);
  counter(
    'elastic_face_scaler_refusals_total',
    'Launches and starts that EC2 refused, by its code.',
    ['code'],
    ({ tally }) => [...tally.refused].map(([code, count]) => [{ code }, count]),
  );
  counter(
    'elastic_face_scaler_decisions_total',
    'Decided actions by kind and cause.',
    ['kind', 'cause'],
    ({ tally }) =>
      [...tally.decided].map(([decision, count]) => {
        const [kind = '', cause = ''] = decision.split(' ');
        return [{ kind, cause }, count];
      }),
  );
  return registry;
}
