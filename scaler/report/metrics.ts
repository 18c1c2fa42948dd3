/** The scaler's measurements in Prometheus' text form, under its conventions for names and units. */
import { Counter, collectDefaultMetrics, Gauge, Registry } from '@prometheus-io/client';
import { leaseStates } from '../../cloud/leases.ts';
import { closedNow } from './status.ts';
import type { LoopView } from './view.ts';

/** What could not be read is no zero. */
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
    'Whether this scaler leads, or goes on alone without Redis.',
    ({ role }) => (role === 'leader' || role === 'alone' ? 1 : 0),
  );
  gauge(
    'elastic_face_scaler_rival',
    'Whether it stands by since a scaler with another Redis leads the project.',
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
    'Whether each source could be read at the last look; none is while another scaler leads.',
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
    'The smallest and the largest fleet that the settings allow, and how many of it may stay stopped.',
    ['bound'],
    () => [
      [{ bound: 'smallest' }, bounds.MIN_INSTANCES],
      [{ bound: 'largest' }, bounds.MAX_INSTANCES],
      [{ bound: 'warm_pool' }, bounds.WARM_POOL],
    ],
  );
  gauge(
    'elastic_face_scaler_arrivals_per_second',
    'Requests that arrive a second, measured.',
    ({ seen }) => seen?.situation?.arrivalsPerSecond,
  );
  gauge(
    'elastic_face_scaler_service_seconds',
    'Time of one request on one instance, measured.',
    ({ seen }) => seen?.situation?.serviceSeconds,
  );
  gauge(
    'elastic_face_scaler_boot_seconds',
    'Time from launch to taking work, measured.',
    ({ seen }) => seen?.situation?.bootSeconds,
  );
  gauge(
    'elastic_face_scaler_pressure_requests',
    'Requests that are waiting or in work, by the pressure set in Redis.',
    ({ seen }) => seen?.observation.pressure?.count,
  );
  gauges(
    'elastic_face_scaler_queue_messages',
    'Messages of the request queue by state, by SQS’s own count: the check on the pressure.',
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
    'App-tier instances by EC2’s state; one that is terminated is none.',
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
    'Instances by what their workers say they do; silent is one that has not spoken for 5 s.',
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
    'Time for which launches wait, by what is closed and EC2’s code.',
    ['what', 'code'],
    ({ closures, brake, now }) =>
      closedNow(closures, brake, now).map(([what, { code, until }]) => [
        { what, code },
        (until - now) / 1000,
      ]),
  );
  gauge(
    'elastic_face_scaler_young_deaths',
    'Launched instances in a row that ended before they took work; one at a time is launched while there are any.',
    ({ brake }) => brake?.deaths ?? 0,
  );
  counter('elastic_face_scaler_launches_total', 'Instances launched.', [], ({ tally }) => [
    [{}, tally.launched],
  ]);
  counter(
    'elastic_face_scaler_refusals_total',
    'Launches and starts that EC2 did not grant, by its code.',
    ['code'],
    ({ tally }) => [...tally.refused].map(([code, count]) => [{ code }, count]),
  );
  counter(
    'elastic_face_scaler_decisions_total',
    'What was decided, by kind of action and of its cause.',
    ['kind', 'cause'],
    ({ tally }) =>
      [...tally.decided].map(([decision, count]) => {
        const [kind = '', cause = ''] = decision.split(' ');
        return [{ kind, cause }, count];
      }),
  );
  return registry;
}
