import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { z } from 'zod';
import { runInput } from '../../cloud/ec2/launch-input.ts';
import { EXIT } from '../../runtime/process/exit.ts';
import { template } from '../stack/template.fixture.ts';
import { type Machine, openMachine } from './machine.fixture.ts';

const FOLDER = import.meta.dirname;
const unit = (name: string): string => readFileSync(join(FOLDER, `${name}.service`), 'utf8');
const units = globSync('*.service', { cwd: FOLDER }).map((file) => basename(file, '.service'));

const stack = template();

/** What the scaler gives an instance. */
const place = { instanceType: 'c7i.large', subnetId: undefined, spot: false };
const userData = { PROJECT_ID: 'demo', AWS_REGION: 'eu-central-1' };
const launch = runInput(
  { numbers: [1], token: 't', place },
  { projectId: 'demo', imageId: 'ami-0123456789abcdef0', userData },
);
const LAUNCHED = Buffer.from(launch.UserData, 'base64').toString();
const BY_HAND = '#cloud-config\nhostname: a-look-at-the-image\n';

async function on<T>(given: string | undefined, look: (machine: Machine) => Promise<T>) {
  const machine = await openMachine(given, {
    systemctl: [],
    'fluent-bit': ['PROJECT_ID', 'AWS_REGION', 'INSTANCE_ID'],
  });
  try {
    return await look(machine);
  } finally {
    await machine.close();
  }
}

describe('a worker that cannot stay up', () => {
  const powerOff = (given: string | undefined) =>
    on(given, async (machine) => {
      const said = await machine.run('power-off-if-launched.sh');
      return { said, calls: machine.calls('systemctl') };
    });

  it('powers its machine off if the scaler launched it', async () => {
    assert.match((await powerOff(LAUNCHED)).calls ?? '', /^--no-block poweroff/);
  });

  it('leaves a machine up that was launched by hand, or by Image Builder to test the image', async () => {
    for (const given of [undefined, '', BY_HAND]) {
      const { said, calls } = await powerOff(given);
      assert.equal(calls, undefined);
      assert.match(said, /stays up/);
    }
  });

  it('leaves a machine up that has no metadata service', async () => {
    await on(LAUNCHED, async (machine) => {
      await machine.stopMetadata();
      await machine.run('power-off-if-launched.sh');
      assert.equal(machine.calls('systemctl'), undefined);
    });
  });

  it('asks nothing else to power off', () => {
    for (const name of units) {
      assert.doesNotMatch(
        unit(name),
        /^(?!#).*(?:poweroff|power-off\b(?!-if|\.service)|halt)/im,
        name,
      );
    }
    const worker = unit('elastic-face-worker');
    assert.match(worker, /^OnFailure=elastic-face-power-off\.service$/m);
    const codes = /^RestartPreventExitStatus=(.*)$/m.exec(worker)?.[1]?.split(' ').map(Number);
    assert.deepEqual(codes, [EXIT.usage, EXIT.unneeded]);
    assert.match(unit('elastic-face-power-off'), /^ExecStart=\S*\/power-off-if-launched\.sh$/m);
  });
});

describe('the journal of an instance', () => {
  const ship = (given: string | undefined) =>
    on(given, async (machine) => {
      await machine.run('ship-journal.sh');
      return machine.calls('fluent-bit');
    });

  it('is shipped under its project, region and instance', async () => {
    const call = await ship(LAUNCHED);
    assert.match(
      call ?? '',
      /--config \S+\/fluent-bit\.yaml PROJECT_ID=demo AWS_REGION=eu-central-1 INSTANCE_ID=i-0123456789abcdef0$/,
    );
  });

  it('of the web instance too, whose user data is a script', async () => {
    const text = JSON.stringify(stack.toJSON());
    const script = /"(#!\/bin\/bash\\n.*?PROJECT_ID=demo\\n)/.exec(text)?.[1];
    assert.ok(script, 'a line of the user data names the project');
    assert.match((await ship(JSON.parse(`"${script}"`))) ?? '', /PROJECT_ID=demo/);
  });

  it('stays on a machine of no project', async () => {
    assert.equal(await ship(undefined), undefined);
    assert.equal(await ship(BY_HAND), undefined);
  });

  const entry = z.record(z.string(), z.unknown());
  const { pipeline } = z
    .object({
      pipeline: z.object({
        inputs: z.array(entry),
        filters: z.array(entry),
        outputs: z.array(entry),
      }),
    })
    .parse(parse(readFileSync(join(FOLDER, 'fluent-bit.yaml'), 'utf8')));

  it('goes to the log groups of the stack, each input to its own', () => {
    const groups = Object.values(stack.findResources('AWS::Logs::LogGroup'))
      .map(({ Properties }) => String(Properties.LogGroupName))
      .sort();
    const project = (name: unknown): string => String(name).replace(/\$\{PROJECT_ID\}/, 'demo');
    assert.deepEqual(
      pipeline.outputs.map(({ log_group_name }) => project(log_group_name)).sort(),
      groups,
    );
    assert.deepEqual(pipeline.inputs.map(({ tag }) => `/elastic-face/demo/${tag}`).sort(), groups);
    for (const { match, log_group_name } of pipeline.outputs) {
      assert.equal(project(log_group_name), `/elastic-face/demo/${match}`);
    }
  });

  it('is that of the units that the image has', () => {
    const named = pipeline.inputs
      .flatMap(({ systemd_filter }) => systemd_filter as string[])
      .flatMap((filter) => /UNIT=(elastic-face-.*)\.service$/.exec(filter)?.[1] ?? []);
    for (const name of ['web', 'worker', 'scaler', 'power-off']) {
      assert.ok(named.includes(`elastic-face-${name}`), name);
    }
    for (const name of named) assert.ok(units.includes(name), name);
  });
});

const missing = (program: string) =>
  spawnSync(program, ['--version']).status !== 0 && `${program} is not installed`;

it('scripts of images and units pass shellcheck', { skip: missing('shellcheck') }, () => {
  const scripts = globSync('{bake,systemd}/*.sh', { cwd: join(FOLDER, '..') });
  assert.ok(scripts.length >= 5);
  const { status, stdout } = spawnSync(
    'shellcheck',
    ['-x', ...scripts.map((file) => `deploy/${file}`)],
    {
      cwd: join(FOLDER, '../..'),
      encoding: 'utf8',
    },
  );
  assert.equal(status, 0, stdout);
});
