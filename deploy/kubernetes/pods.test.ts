import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { until } from '../../test/condition.fixture.ts';
import { environmentOf, spawnWorker, type WorkerProcess } from '../../worker/start.fixture.ts';
import { type Bench, openBench } from '../../worker/worker.fixture.ts';
import { podsOf } from './manifests.fixture.ts';

const { terminationGracePeriodSeconds: grace = 30, container } = podsOf('Deployment', 'worker');

/** As a kubelet ends a pod: preStop, SIGTERM, and SIGKILL once the grace period is over. */
async function endPod(worker: WorkerProcess): Promise<number | string | null> {
  const preStop = container.lifecycle?.preStop.sleep.seconds ?? 0;
  const enough = new AbortController();
  const killed = delay(grace * 1000, undefined, { signal: enough.signal }).then(
    () => worker.child.kill('SIGKILL'),
    () => {},
  );
  await delay(preStop * 1000);
  worker.child.kill('SIGTERM');
  const code = await worker.exit;
  enough.abort();
  await killed;
  return code;
}

describe('workers as pods', { timeout: 120_000 }, () => {
  let bench: Bench;
  before(async () => {
    bench = await openBench();
  });
  after(() => bench.close());

  it('a pod that is scaled in while it computes finishes within its grace period, the other takes all others, each photo once', async () => {
    const heartbeat = join(bench.folder, 'heartbeat');
    const environment = {
      ...environmentOf(bench),
      AWS_EC2_METADATA_DISABLED: 'true',
      HEARTBEAT_FILE: heartbeat,
    };
    const probe = (kind: 'startupProbe' | 'livenessProbe'): boolean => {
      const { HEARTBEAT_FILE = '' } = Object.fromEntries(
        container.env?.map(({ name, value }) => [name, value]) ?? [],
      );
      const [program, ...args] = container[kind]?.exec?.command ?? [''];
      const here = args.map((arg) => arg.replaceAll(HEARTBEAT_FILE, heartbeat));
      return spawnSync(program, here).status === 0;
    };
    assert.equal(probe('startupProbe'), false, 'before a worker is there');
    const leaving = spawnWorker(environment);
    await until('the startup probe to pass', () => probe('startupProbe'), { limitMs: 60_000 });
    const held = await bench.send('held.jpg', 'held gate');
    await until('the photo to be in work', () => bench.computed().includes('held gate'));
    const ending = endPod(leaving);
    await until('the word that it drains', () => leaving.said().includes('Draining'));

    const staying = spawnWorker(environment);
    const others = await Promise.all(
      [1, 2, 3, 4].map((n) => bench.send(`${n}.jpg`, `face Person${n}`)),
    );
    writeFileSync(join(bench.folder, 'gate'), '');
    assert.equal(await ending, 0);
    for (const sent of [held, ...others]) assert.ok('match' in (await bench.reply(sent)));
    await bench.atRest();
    assert.deepEqual(bench.computed().sort(), [
      'face Person1',
      'face Person2',
      'face Person3',
      'face Person4',
      'held gate',
    ]);
    assert.equal(probe('livenessProbe'), true);
    assert.equal(await endPod(staying), 0);
    const twoMinutesAgo = Date.now() / 1000 - 120;
    utimesSync(heartbeat, twoMinutesAgo, twoMinutesAgo);
    assert.equal(probe('livenessProbe'), false, 'of a worker that hangs');
  });
});
