import assert from 'node:assert/strict';
import { after, before, describe, it, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { until } from '../../test/condition.fixture.ts';
import { type BootBench, openBootBench } from './bench.fixture.ts';
import { bakedRoot, bootMissing, run } from './image.fixture.ts';
import { type Booted, type Forward, untilConsole } from './machine.fixture.ts';
import { containerBoot } from './nspawn.fixture.ts';

const UNIT = 'elastic-face-worker';
/** Registry accounts, private keys and AWS access keys. */
const SECRETS = '_authToken *=|^-+BEGIN [A-Z ]*PRIVATE KEY-+$|\\bAKIA[0-9A-Z]{16}\\b';
const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

describe('a baked worker, booted on this kernel', {
  skip: bootMissing(),
  timeout: 1_800_000,
}, () => {
  let root: string;
  let bench: BootBench;
  let toCloud: Forward | undefined;
  const environment: Record<string, string> = {};
  before(async () => {
    root = await bakedRoot('worker');
    bench = await openBootBench((cloudUrl) =>
      containerBoot({
        ...{ root, cloudUrl, environment: () => environment },
        onForward: (forward) => {
          toCloud = forward;
        },
      }),
    );
  });
  after(() => bench?.stop());

  const unit = async (machine: Booted, name: string): Promise<string> =>
    machine.shell(`systemctl show --property=${name} --value ${UNIT}`);
  /** Sends photos from this number on, and fails unless each comes back with the right name. */
  const sendRight = (count: number, from = 0): Promise<void> => {
    const numbers = Array.from({ length: count }, (_, index) => from + index);
    const answered = Promise.all(numbers.map((number) => bench.send(number))).then((sent) =>
      assert.deepEqual(
        sent.filter(({ right }) => !right),
        [],
      ),
    );
    // It is awaited after other steps: unheard meanwhile, a failure would end the process and leave machines.
    answered.catch(() => {});
    return answered;
  };
  /** The only machine that runs, after the first photo was answered. */
  let machine: Booted;
  /** Ends all machines and has the scaler launch another, which answers a photo. */
  const nextMachine = async (t: TestContext): Promise<void> => {
    const count = bench.machines.length;
    for (const one of bench.machines) one.stop();
    await Promise.all(bench.machines.map((one) => bench.terminated(one, 120_000)));
    const posted = performance.now();
    const answered = sendRight(1);
    machine = await bench.machine(count + 1);
    const started = await untilConsole(machine, /Starting .*worker/, 60_000);
    const ready = await untilConsole(machine, /inference process is ready/, 120_000);
    await answered;
    const now = performance.now();
    t.diagnostic(`power on to unit start ${started.toFixed(1)} s, to ready ${ready.toFixed(1)} s`);
    t.diagnostic(`power on to the first answer ${seconds(now - machine.poweredOnAt)}`);
    t.diagnostic(`POST with no machine to answer ${seconds(now - posted)}`);
  };

  it('starts its unit, takes its first message and names photos right', async (t) => {
    await nextMachine(t);
    const begun = performance.now();
    await sendRight(20);
    t.diagnostic(`20 photos at once ${seconds(performance.now() - begun)}`);
    assert.equal(await unit(machine, 'ActiveState'), 'active');
    assert.equal(
      await machine.shell('systemctl list-units --failed --plain --no-legend elastic*'),
      '',
    );
  });

  it('runs no Python, brings none, and holds no secret', async () => {
    const programs = await machine.shell('for p in /proc/[0-9]*; do readlink $p/exe; done; true');
    assert.doesNotMatch(programs, /python/);
    const places = ['opt', 'usr/local', 'etc', 'root', 'home', 'srv'].map((at) => `${root}/${at}`);
    const names = [
      '-name',
      '*.py',
      '-o',
      '-name',
      '*.whl',
      '-o',
      '-name',
      '.npmrc',
      '-o',
      '-name',
      'pip.conf',
    ];
    const ours = run('find', ...places, '-type', 'f', '(', ...names, ')');
    assert.equal(
      ours
        .split('\n')
        .filter((file) => !/\/etc\/python3|sitecustomize/.test(file))
        .join(''),
      '',
    );
    assert.equal(run('sh', '-c', `grep -rlIsE '${SECRETS}' ${places.join(' ')} || true`), '');
  });

  it('ships its journal under its project, region and instance', async () => {
    const { id, availabilityZone } = machine.instance;
    const said = new RegExp(`Ships boot ${availabilityZone.slice(0, -1)} ${id} by --config `);
    assert.match(machine.console(), said);
    const hasStart = async (): Promise<boolean> => {
      const lines = await machine.shell('cat /var/lib/elastic-face-logs/shipped');
      return lines
        .split('\n')
        .some((line) => /"msg":"Started"/.test(line) && line.includes(`"instance":"${id}"`));
    };
    // It is rewritten every second.
    await until('the line of its start to be shipped', hasStart, { everyMs: 200 });
  });

  it('keeps compiled sources for its next start', async () => {
    assert.doesNotMatch(machine.console(), /Cannot write/);
    const kept = await machine.shell('find /var/cache/elastic-face/compiled -type f | wc -l');
    assert.ok(Number(kept) > 100, `${kept} compiled files`);
  });

  for (const [name, happens] of [
    ['KILL', 'is killed'],
    ['STOP', 'hangs'],
  ] as const) {
    it(`answers the photos in hand when its inference process ${happens}`, async (t) => {
      const answered = sendRight(4);
      await bench.inHand();
      const begun = performance.now();
      await machine.shell(signal(name, 'inference/chil[d]'));
      await answered;
      t.diagnostic(`answered after ${seconds(performance.now() - begun)}`);
      assert.equal(await unit(machine, 'NRestarts'), '0');
    });
  }

  it('is restarted by its watchdog when it hangs, before the scaler gives it up', async (t) => {
    const begun = performance.now();
    await machine.shell(`kill -STOP ${await unit(machine, 'MainPID')}`);
    await until('a restart', async () => (await unit(machine, 'NRestarts')) === '1', {
      limitMs: 60_000,
      everyMs: 500,
    });
    t.diagnostic(`restarted after ${seconds(performance.now() - begun)}`);
    await sendRight(1);
    t.diagnostic(`answers again after ${seconds(performance.now() - begun)}`);
    assert.equal(bench.machines.length, 1, 'the same machine');
  });

  it('waits out a minute without SQS and S3', async () => {
    assert.ok(toCloud);
    toCloud.cut = true;
    const answered = sendRight(2);
    await delay(60_000);
    toCloud.cut = false;
    await answered;
    assert.equal(await unit(machine, 'NRestarts'), '1', 'none since the hang');
    assert.equal(bench.machines.length, 1, 'the same machine');
  });

  it('drains on a spot notice, with the photos in hand answered, and is replaced', async (t) => {
    const answered = sendRight(4);
    await bench.inHand();
    const begun = performance.now();
    machine.instance.interruptionAt = new Date(Date.now() + 120_000);
    const drained = await untilConsole(machine, /"msg":"Drained"/, 60_000);
    t.diagnostic(
      `drained ${seconds(machine.poweredOnAt + drained * 1000 - begun)} after the notice`,
    );
    await answered;
    await bench.terminated(machine, 120_000);
    await nextMachine(t);
  });

  it('answers the photos in hand when its power button is pressed, and is then terminated', async (t) => {
    const answered = sendRight(6);
    await bench.inHand();
    const begun = performance.now();
    machine.stop();
    await bench.terminated(machine, 120_000);
    t.diagnostic(`powered off after ${seconds(performance.now() - begun)}`);
    assert.match(machine.console(), /"msg":"Drained"/);
    await answered;
  });

  it('works without TensorFlow too, as where every instruction is emulated', async (t) => {
    environment.BACKEND = 'wasm';
    await nextMachine(t);
    delete environment.BACKEND;
  });

  it('powers off when it cannot start, and the scaler launches with growing pauses', async (t) => {
    environment.LOG_LEVEL = 'nonsense';
    const before = bench.machines.length;
    for (const one of bench.machines) one.stop();
    await Promise.all(bench.machines.map((one) => bench.terminated(one, 120_000)));
    const answered = sendRight(1);
    const broken = await bench.machine(before + 1);
    await broken.gone;
    t.diagnostic(`powered off ${seconds(performance.now() - broken.poweredOnAt)} after power on`);
    await bench.terminated(broken, 30_000);
    await until(
      'the scaler to say why it waits',
      async () => /end before they report/.test(await bench.scalerLog()),
      {
        limitMs: 60_000,
        everyMs: 500,
      },
    );
    await bench.machine(before + 3, 180_000);
    const launches = bench.machines.slice(before).map(({ poweredOnAt }) => poweredOnAt);
    t.diagnostic(`launches after ${launches.map((at) => seconds(at - launches[0]!)).join(', ')}`);
    delete environment.LOG_LEVEL;
    await answered;
  });
});

/** A shell line that sends a signal to every process with this in its command line. */
function signal(name: string, command: string): string {
  return `for p in /proc/[0-9]*; do grep -qs ${command} $p/cmdline && kill -${name} \${p#/proc/}; done; true`;
}
