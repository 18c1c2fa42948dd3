/**
 * Twice the load that the largest fleet bears, on the whole system: photos take a fixed time each.
 * OVERLOAD_SECONDS=60 makes it as long as docs/reliability.md reports.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { until } from './condition.fixture.ts';
import { plainPhoto, postPhoto } from './form.fixture.ts';
import { startSlowStack } from './slow-stack.fixture.ts';

const OVERLOAD_SECONDS = Number(process.env.OVERLOAD_SECONDS ?? 30);
const WORK_SECONDS = 0.5;
const PER_SECOND = 2 / WORK_SECONDS;
const REQUEST_SECONDS = 10;
const BACK_SECONDS = 30;

it('an overload is refused at the door, and what is computed still has a client', {
  timeout: 300_000,
}, async (t) => {
  const stack = await startSlowStack(WORK_SECONDS, {
    MAX_INSTANCES: 1,
    REQUEST_SECONDS,
    IDLE_SECONDS: 600,
    GUESS_SERVICE_SECONDS: WORK_SECONDS,
    GUESS_BOOT_SECONDS: 2,
  });
  t.after(() => stack.stop());
  const plain = await plainPhoto();
  const answered = new Set<string>();
  const statuses = new Map<number, number>();
  let number = 0;
  const send = async (): Promise<number> => {
    number += 1;
    const photo = Buffer.concat([plain, Buffer.from(String(number))]);
    const { status, headers } = await postPhoto(`${stack.stack.webUrl}/`, `${number}.jpg`, photo);
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
    if (status === 200) answered.add(createHash('sha256').update(photo).digest('hex').slice(0, 12));
    if (status === 503) assert.ok(Number(headers['retry-after']) > 0, 'it says when to come again');
    return status;
  };
  await until('the first worker to answer', async () => (await send()) === 200, {
    limitMs: 120_000,
    everyMs: 100,
  });
  statuses.clear();
  const before = stack.journal().length;
  const clients: Promise<number>[] = [];
  for (let i = 0; i < OVERLOAD_SECONDS * PER_SECOND; i++) {
    clients.push(send());
    await delay(1000 / PER_SECOND);
  }
  const computed = stack
    .journal()
    .slice(before)
    .filter((line) => line.startsWith('end '))
    .map((line) => line.slice(4));
  const over = performance.now();
  await until('a photo to be answered again', async () => (await send()) === 200, {
    limitMs: BACK_SECONDS * 1000,
    everyMs: 1000,
  });
  const back = (performance.now() - over) / 1000;
  await Promise.all(clients);
  const useful = computed.filter((one) => answered.has(one)).length / computed.length;
  const told = [...statuses].map(([status, count]) => `${count} of ${status}`).join(', ');
  t.diagnostic(
    `${computed.length} computed, ${(100 * useful).toFixed(0)} % with a client; answers: ${told}; back after ${back.toFixed(1)} s`,
  );
  assert.ok(useful >= 0.9, `${useful} of what was computed had a client`);
  assert.ok((statuses.get(503) ?? 0) > 0, told);
});
