import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { freePort } from '../../local/redis.ts';
import { spawnRedisServer } from '../../local/redis-server.ts';
import { type BootBench, openBootBench } from './bench.fixture.ts';
import { bakedRoot, bootMissing } from './image.fixture.ts';
import { type Booted, untilConsole } from './machine.fixture.ts';
import { machineBoot, makeDisk } from './qemu.fixture.ts';

const UNIT = 'elastic-face-worker';
/** TensorFlow is not ready within 180 s where each instruction is translated; WebAssembly is. */
const BACKEND = 'wasm';

describe('a baked worker, powered on in a virtual machine', {
  skip: bootMissing(),
  timeout: 7_200_000,
}, () => {
  const undo: (() => unknown)[] = [];
  let bench: BootBench;
  let machine: Booted;
  before(async () => {
    const root = await bakedRoot('worker');
    const [cloudPort, redisPort] = [await freePort(), await freePort()];
    const redis = await spawnRedisServer('redis-server', { port: String(redisPort), save: '' });
    undo.push(async () => {
      redis.stop();
      await redis.gone;
    });
    const disk = join(tmpdir(), `elastic-face-${process.pid}.raw`);
    undo.push(() => rmSync(disk, { force: true }));
    makeDisk(disk, {
      root,
      ports: [cloudPort, redisPort],
      environment: {
        AWS_ENDPOINT_URL: `http://127.0.0.1:${cloudPort}`,
        AWS_EC2_METADATA_SERVICE_ENDPOINT: 'http://169.254.169.254',
        BACKEND,
      },
    });
    bench = await openBootBench(() => machineBoot(root, disk), {
      LOCAL_CLOUD_PORT: cloudPort,
      REDIS_URL: `redis://127.0.0.1:${redisPort}`,
      BOOT_SECONDS: 1200,
      VISIBILITY_SECONDS: 600,
      REQUEST_SECONDS: 3600,
    });
    undo.push(() => bench.stop());
  });
  after(async () => {
    for (const step of undo.toReversed()) await step();
  });

  it('boots its own kernel, starts its unit and names its first photo right', async (t) => {
    const posted = performance.now();
    const answering = bench.send(0);
    machine = await bench.machine(1);
    const started = await untilConsole(machine, /Starting .*worker/, 900_000);
    t.diagnostic(`power on to unit start ${started.toFixed(1)} s`);
    const ready = await untilConsole(machine, /inference process is ready/, 1_800_000);
    t.diagnostic(`power on to ready ${ready.toFixed(1)} s`);
    const { answer, right } = await answering;
    const answered = (performance.now() - machine.poweredOnAt) / 1000;
    t.diagnostic(`power on to the first answer ${answered.toFixed(1)} s: ${answer}`);
    t.diagnostic(`POST to answer ${((performance.now() - posted) / 1000).toFixed(1)} s`);
    assert.ok(right, answer);
    assert.equal(bench.machines.length, 1);
  });

  it('has its identity from IMDSv2, which cloud-init reads with the user data as on AWS', async (t) => {
    await machine.shell('cloud-init status --wait >/dev/null; true');
    t.diagnostic(await machine.shell('systemd-analyze; systemd-analyze blame | head -n 5'));
    assert.equal(await machine.shell('cloud-id'), 'aws');
    assert.equal(await machine.shell('cloud-init query v1.instance_id'), machine.instance.id);
    const read = await machine.shell('cloud-init query userdata');
    assert.equal(
      read,
      Buffer.from(machine.instance.userData ?? '', 'base64')
        .toString()
        .trim(),
    );
    const refused =
      'curl -s -o /dev/null -w "%{http_code}" http://169.254.169.254/latest/user-data';
    assert.equal(await machine.shell(refused), '401', 'without a token');
  });

  it('holds what its unit may take of memory, and ends only what takes more', async (t) => {
    const state = `systemctl show --property=ActiveState,NRestarts ${UNIT}`;
    const before = await machine.shell(state);
    const group = `/sys/fs/cgroup/system.slice/${UNIT}.service`;
    const max = Number(await machine.shell(`cat ${group}/memory.max`));
    const high = await machine.shell(`cat ${group}/memory.high`);
    const total = Number(await machine.shell("awk '/MemTotal/{print $2*1024}' /proc/meminfo"));
    assert.ok(max > 0.9 * total && max < 0.96 * total, `${max} of ${total}`);
    // With less room, so that this machine's other processes are not the first to lack memory.
    const given = await machine.shell(`cat ${group}/memory.current`);
    const room = Number(given) + 128 * 2 ** 20;
    await machine.shell(
      `systemctl set-property --runtime ${UNIT} MemoryHigh=infinity MemoryMax=${room}`,
    );
    const first =
      'echo $$ >$G/cgroup.procs; echo 1000 >/proc/self/oom_score_adj; exec tail /dev/zero';
    await machine.shell(`G=${group} sh -c '${first}'; true`);
    const events = await machine.shell(`cat ${group}/memory.events`);
    t.diagnostic(events.replaceAll('\n', ', '));
    assert.match(events, /^max [1-9]/m);
    assert.match(events, /^oom_kill [1-9]/m);
    assert.match(before, /ActiveState=active/);
    assert.equal(await machine.shell(state), before, 'no restart');
    await machine.shell(
      `systemctl set-property --runtime ${UNIT} MemoryHigh=${high} MemoryMax=${max}`,
    );
  });

  it('answers the photo in hand when EC2 presses its power button, and is then terminated', async (t) => {
    const answering = bench.send(1);
    await bench.inHand();
    const begun = performance.now();
    machine.stop();
    await bench.terminated(machine, 1_200_000);
    t.diagnostic(`powered off after ${((performance.now() - begun) / 1000).toFixed(1)} s`);
    assert.match(machine.console(), /"msg":"Drained"/);
    assert.match(machine.console(), /Power key pressed|Powering off|Power Off/);
    assert.ok((await answering).right);
    assert.equal(bench.machines.length, 1, 'by the machine that was told to go');
  });
});
