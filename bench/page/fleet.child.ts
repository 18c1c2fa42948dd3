/**
 * A scaler and twenty workers as the web tier sees them, in one process: their words in Redis, and an
 * answer to each request at once, so that the web tier and nothing else bounds the load. Settings come
 * from the environment.
 */
import { createAwsClients } from '../../cloud/aws/clients.ts';
import { openQueue } from '../../cloud/aws/sqs/queues.ts';
import type { Match } from '../../cloud/contract/match.ts';
import { decodeRequest, encodeReply } from '../../cloud/contract/messages.ts';
import { cloudNames, instanceName } from '../../cloud/contract/names.ts';
import { connectRedis } from '../../cloud/redis/connection.ts';
import { fleetPoint } from '../../cloud/redis/fleet-view.ts';
import { openLeases } from '../../cloud/redis/leases.ts';
import { openPressure } from '../../cloud/redis/pressure.ts';
import { HISTORY_POINTS, openScalerStatus } from '../../cloud/redis/scaler-status.ts';
import { createLogger } from '../../runtime/log.ts';
import { readSettings } from '../../runtime/settings.ts';

const INSTANCES = 20;
const DECISIONS = 20;
const RECEIVERS = 4;

const settings = readSettings();
const { keys, requestQueue, replyQueue } = cloudNames(settings.PROJECT_ID, settings.BUCKET_SUFFIX);
const redis = connectRedis(settings.REDIS_URL ?? '', 'bench-fleet', createLogger('bench', 'warn'));
const pressure = openPressure(redis, keys, 60_000);
const leases = openLeases(redis, keys);
const scaler = openScalerStatus(redis, keys);
const { sqs } = createAwsClients(settings);
const [requests, replies] = await Promise.all([
  openQueue(sqs, requestQueue),
  openQueue(sqs, replyQueue),
]);
const match: Match = {
  name: 'Somebody',
  distance: 0.5,
  box: [1, 2, 30, 40],
  probability: 0.99,
  landmarks: Array.from({ length: 5 }, () => [1, 1] as [number, number]),
  nearest: [{ name: 'Somebody', distance: 0.5 }],
  width: 48,
  height: 48,
};

async function answer(): Promise<never> {
  for (;;) {
    const messages = await requests.receive({ most: 10, waitSeconds: 1 });
    await Promise.all(
      messages.map(async ({ body, receipt }) => {
        const { id, file, node } = decodeRequest(body);
        await replies.send(encodeReply({ id, file, node, outcome: { match } }));
        await pressure.finish(id, file);
        await requests.delete(receipt);
      }),
    );
  }
}

const startedAt = Date.now();
const instances = Array.from({ length: INSTANCES }, (_, index) => ({
  id: `i-${String(index).padStart(17, '0')}`,
  name: instanceName(index + 1),
  state: 'running' as const,
  launchedAt: startedAt,
  spoke: true,
  spot: false,
  type: 'c7i.large',
}));
const decisions = Array.from({ length: DECISIONS }, (_, index) => ({
  at: startedAt,
  what: `launch ${instanceName(index + 1)}`,
  reason: '20 requests are waiting or in progress, more than the threshold of 0: one instance each',
}));

async function tell(at: number): Promise<void> {
  const held = { state: 'busy', forMs: 500, inHand: 1, finished: 100 } as const;
  for (const { id } of instances) await leases.renew(id, held);
  const status = { role: 'leader', policy: 'threshold', largestFleet: INSTANCES } as const;
  const seen = await leases.read(instances.map(({ id }) => id));
  const point = fleetPoint(at, instances, seen, await pressure.read());
  await scaler.publish({ ...status, instances, decisions }, point);
}

for (let ago = HISTORY_POINTS; ago > 0; ago--) await tell(startedAt - 1000 * ago);
setInterval(() => void tell(Date.now()), 1000);
for (let i = 0; i < RECEIVERS; i++) void answer();
process.on('disconnect', () => process.exit(0));
process.send?.('ready');
