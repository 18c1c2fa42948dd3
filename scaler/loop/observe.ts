/** Reads EC2, Redis and SQS once, at the same time; each reading may fail. Judges nothing. */

import type { Queue } from '../../cloud/aws/sqs/queues.ts';
import type { Fleet } from '../../cloud/ec2/instances.ts';
import type { Leases } from '../../cloud/redis/leases.ts';
import type { Pressure, PressureReading } from '../../cloud/redis/pressure.ts';
import { type Observation, RECENT_MS, type SeenPressure } from '../decide/observation.ts';
import type { Outages } from './outages.ts';

/** A reading that takes longer would be of another time than the others. */
const READING_MS = 5000;

export interface Sources {
  readonly fleet: Fleet;
  readonly leases: Leases;
  readonly pressure: Pressure;
  readonly requests: Pick<Queue, 'depth'>;
}

/** @param redis whether to read Redis: a scaler without the lead may hold a connection to a lost one */
export async function observe(
  { fleet, leases, pressure, requests }: Sources,
  { now, redis, outages }: { now: number; redis: boolean; outages: Outages },
): Promise<Observation> {
  const readFleet = async () => {
    const instances = await outages.read('the list of instances', READING_MS, () => fleet.list());
    const ids = instances?.map(({ id }) => id);
    const read =
      redis && ids
        ? await outages.read('the leases', READING_MS, () => leases.read(ids))
        : undefined;
    return { instances, leases: read };
  };
  const [{ instances, leases: leaseReadings }, pressureReading, depth] = await Promise.all([
    readFleet(),
    redis ? outages.read('the pressure', READING_MS, () => pressure.read(RECENT_MS)) : undefined,
    outages.read('the request queue', READING_MS, () => requests.depth()),
  ]);
  return {
    now,
    instances,
    leases: leaseReadings,
    pressure: pressureReading && inOwnTime(pressureReading, now),
    depth,
  };
}

function inOwnTime({ oldestMs, ...counts }: PressureReading, now: number): SeenPressure {
  return oldestMs === undefined ? counts : { ...counts, oldestAt: now - oldestMs };
}
