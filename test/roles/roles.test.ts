/**
 * Web tier, worker, scaler, provision, doctor and destroy, each in a process of its own under its own role,
 * against moto with a judge before it. What each needs must be allowed; what it must not do, refused.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { listKeys } from '../../cloud/aws/inspection.ts';
import { openQueue } from '../../cloud/aws/sqs/queues.ts';
import { createEc2Clients } from '../../cloud/ec2/client.ts';
import { openFleet } from '../../cloud/ec2/instances.ts';
import { missingMoto } from '../../local/moto.fixture.ts';
import { freePort, type LocalRedis, startRedis } from '../../local/redis.ts';
import { until } from '../condition.fixture.ts';
import {
  callsByRole,
  isRefused,
  NOT_SEEN,
  refusedAccesses,
  unusedActions,
  usedActions,
} from './ledger.fixture.ts';
import { type Program, personFile, run, service, start, WORKER } from './processes.fixture.ts';
import { refusals } from './refusals.fixture.ts';
import { deleteRouteTables, IMAGE, REGION, trustOf } from './stack-roles.fixture.ts';
import { ID, openWorld, type RoleName, type World } from './world.fixture.ts';

const skip =
  process.env.ROLES === 'full' ? await missingMoto() : 'takes a minute: set ROLES=full to run it';

const LINES = { 'Content-Type': 'application/jsonl' };

describe('each service under its own role', { skip, timeout: 240_000 }, () => {
  let world: World;
  let redis: LocalRedis;
  let folder: string;
  let web = '';
  const programs: Program[] = [];
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'elastic-face-roles-'));
    [world, redis] = await Promise.all([
      openWorld(),
      startRedis({
        folder,
        logFile: join(folder, 'redis.log'),
        searchPath: process.env.PATH ?? '',
      }),
    ]);
  });
  after(async () => {
    for (const program of programs) await program.stop();
    await redis?.stop();
    await world?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const begin = (role: RoleName, args: string[], more: Record<string, string> = {}): Program => {
    const program = start(world, role, args, {
      REDIS_URL: redis.url,
      MODEL_DIR: folder,
      VISIBILITY_SECONDS: '5',
      MAX_RECEIVES: '2',
      ...more,
    });
    programs.push(program);
    return program;
  };
  const post = async (file: string, text: string): Promise<string> => {
    const form = new FormData();
    form.append('inputFile', new Blob([`GIF89a ${text}`]), file);
    const response = await fetch(web, { method: 'POST', body: form });
    return `${response.status} ${await response.text()}`;
  };

  it('the stack’s trust is EC2’s alone', () => {
    const Statement = [
      { Action: 'sts:AssumeRole', Effect: 'Allow', Principal: { Service: 'ec2.amazonaws.com' } },
    ];
    const expected = { Statement, Version: '2012-10-17' };
    for (const role of ['RolesWebRole', 'RolesWorkerRole']) {
      assert.deepEqual(trustOf(world.template, role), expected);
    }
  });

  it('provision sets up and repeats', async () => {
    for (const days of ['30', '0']) {
      const { code, said } = await run(world, 'provision', ['provision', '--id', ID], {
        RETENTION_DAYS: days,
      });
      assert.equal(code, 0, said);
    }
    assert.deepEqual(refusedAccesses(world.judge.judged), []);
  });

  it('the doctor finds everything right but the right to launch, which is the scaler’s', async () => {
    const { said } = await run(world, 'doctor', ['doctor', '--no-machine', '--id', ID], {
      AMI_ID: IMAGE,
      INSTANCE_TYPE: 't3.small',
    });
    const wrong = said.split('\n').filter((line) => /wrong/i.test(line));
    assert.equal(wrong.length, 1, said);
    assert.match(wrong[0] ?? '', /right to launch.*may not launch/s);
  });

  it('web tier, scaler and worker recognise, scale, enrol and forget', async () => {
    const known = world.judge.judged.length;
    const port = await freePort();
    web = `http://127.0.0.1:${port}/`;
    begin('web', service('web'), { PORT: String(port), HOST: '127.0.0.1' });
    const scaler = begin('web', service('scaler'), {
      LAUNCH_TEMPLATE_ID: world.things.templates.own,
      SUBNET_ID: world.subnets.join(','),
      INSTANCE_TYPE: 't3.small',
      MAX_INSTANCES: '2',
      BOOT_SECONDS: '3',
      SCALER_PORT: '0',
    });
    await until(
      'the web tier',
      async () => (await fetch(`${web}readyz`).catch(() => undefined))?.ok,
      {
        limitMs: 60_000,
      },
    );
    const first = post('one.jpg', 'face Ann');
    const called = (pattern: RegExp) => () =>
      world.judge.judged.some(({ role, call }) => role === 'web' && pattern.test(call));
    await until('a launch', called(/RunInstances/), { limitMs: 60_000 });
    begin('worker', [WORKER]);
    assert.equal(await first, '200 one:Ann');
    assert.deepEqual(
      (await Promise.all([post('one.jpg', 'face Bob'), post('one.jpg', 'face Cid')])).sort(),
      ['200 one:Bob', '200 one:Cid'],
    );
    assert.match(await post('bad.jpg', 'poison'), /^50\d /);
    await until('an instance that never reported to be ended', called(/TerminateInstances/), {
      limitMs: 60_000,
    });

    const { person, body } = personFile('Dora', [1, 0, 0, 0]);
    const imported = await fetch(`${web}v1/people/import`, {
      method: 'POST',
      headers: LINES,
      body,
    });
    assert.equal(imported.status, 200, await imported.clone().text());
    await until('the worker to follow', async () =>
      (await post('dora.jpg', 'who 1,0,0,0')).includes('dora:Dora'),
    );
    const forgotten = await fetch(`${web}v1/people/${person.id}?answers=true`, {
      method: 'DELETE',
    });
    assert.ok(forgotten.ok, await forgotten.text());
    await until('the answer to be erased', async () => {
      const keys = await listKeys(world.admin.s3, world.things.own.outBucket);
      return !keys?.includes('dora');
    });
    assert.deepEqual(refusedAccesses(world.judge.judged.slice(known)), []);
    assert.doesNotMatch(scaler.said(), /AccessDenied|UnauthorizedOperation/);
  });

  it('the scaler’s other calls: a fleet is launched together, named, stopped, started and ended', async () => {
    const clients = await world.clients('web');
    const fleet = openFleet(clients.ec2, {
      projectId: ID,
      launchTemplateId: world.things.templates.own,
      userData: {},
    });
    const place = { instanceType: 't3.small', subnetId: world.subnets[0], spot: true };
    const [one] = await fleet.launch({ numbers: [7, 8], token: randomUUID(), place });
    await fleet.name(one?.id ?? '', 7);
    for (const does of [fleet.stop, fleet.start, fleet.terminate] as const) {
      await does([one?.id ?? '']);
    }
    clients.destroy();
  });

  it('credentials that end every few seconds are renewed in mid run', async () => {
    for (const role of ['web', 'worker'] as const) {
      await until(`renewals of ${role}`, () => world.sessions.count(role) >= 3, {
        limitMs: 60_000,
      });
    }
    assert.deepEqual(
      world.judge.judged.filter(({ expired }) => expired),
      [],
    );
  });

  it('a session is refused after its end, a wrong secret and a wrong token at once', async () => {
    const given = await world.sessions.credentials('web');
    const send = async (credentials: typeof given, url: string): Promise<void> => {
      const settings = { AWS_REGION: REGION, AWS_ENDPOINT_URL: url };
      const clients = createEc2Clients(settings, credentials);
      try {
        await listKeys(clients.s3, world.things.own.outBucket);
      } finally {
        clients.destroy();
      }
    };
    const refusedFor = (attempt: Promise<void>, pattern: RegExp) =>
      assert.rejects(attempt, ({ name }: Error) => pattern.test(name));
    // Web tier and worker go on meanwhile.
    const refusedByMoto = (credentials: typeof given, pattern: RegExp) =>
      world.judge.checkedByMoto(() => refusedFor(send(credentials, world.motoUrl), pattern));
    await send(given, world.judge.url);
    const wrong = { ...given, secretAccessKey: 'wrong' };
    await refusedByMoto(wrong, /SignatureDoesNotMatch/);
    const other = await world.sessions.credentials('worker');
    const mixed = { ...given, sessionToken: other.sessionToken };
    await refusedByMoto(mixed, /InvalidToken/);
    await until('the end of the session', () => Date.now() > given.expiration.getTime());
    await refusedFor(send(given, world.judge.url), /ExpiredToken/);
  });

  it('every call was signed as moto computes it, and its action allowed by moto too', () => {
    assert.deepEqual(world.judge.faults, []);
    // moto knows no resource of calls to Parameter Store.
    const differs = world.judge.judged.filter(
      ({ mismatch, call }) => mismatch !== undefined && !call.startsWith('ssm'),
    );
    assert.deepEqual(differs, []);
  });

  it('what a role must not do is refused', async (t) => {
    const counts = { calls: 0, judgedByMoto: 0, byMoto: 0 };
    for (const [role, tries] of Object.entries(refusals(world.things, ID))) {
      const clients = await world.clients(role as RoleName);
      const straight = await world.clients(role as RoleName, 'moto');
      for (const [what, attempt] of Object.entries(tries)) {
        const known = world.judge.judged.length;
        assert.ok(await isRefused(attempt(clients)), `${role} could ${what}`);
        counts.calls += 1;
        // Services of the same role go on meanwhile, but none of their calls is refused.
        const refused = world.judge.judged
          .slice(known)
          .filter((entry) => entry.role === role && entry.refused.length > 0);
        // moto knows no resource of EC2's calls: its word is worth nothing there.
        if (refused.some(({ call }) => call.startsWith('ec2'))) continue;
        counts.judgedByMoto += 1;
        const refusedByMoto = () => isRefused(attempt(straight));
        if (await world.judge.checkedByMoto(refusedByMoto)) counts.byMoto += 1;
        else t.diagnostic(`moto lets ${role} ${what}`);
      }
      clients.destroy();
      straight.destroy();
    }
    t.diagnostic(
      `${counts.calls} of ${counts.calls} forbidden calls refused; moto alone refuses ${counts.byMoto} of the ${counts.judgedByMoto} to SQS and S3`,
    );
  });

  it('destroy takes all of the project, and nothing of the other', async () => {
    for (const program of programs.splice(0)) await program.stop();
    await deleteRouteTables(world.admin.ec2);
    const known = world.judge.judged.length;
    const { code, said } = await run(world, 'destroy', ['deploy', 'destroy', '--id', ID, '--yes']);
    assert.equal(code, 0, said);
    assert.match(said, /Deleted the stack elastic-face-demo/);
    assert.deepEqual(refusedAccesses(world.judge.judged.slice(known)), []);
    const others = await openQueue(world.admin.sqs, world.things.foreign.requestQueue);
    assert.equal((await others.depth()).visible, 0);
  });

  it('no role may do more than it needs', (t) => {
    const needed = new Set<string>();
    const tooMuch: string[] = [];
    for (const [role, documents] of world.documents) {
      const used = usedActions(world.judge.judged, role);
      for (const action of used) needed.add(`${role} ${action}`);
      const unused = unusedActions(documents, used).filter((one) => NOT_SEEN[one] === undefined);
      tooMuch.push(...unused.map((action) => `${role} ${action}`));
    }
    assert.deepEqual(tooMuch, []);
    t.diagnostic(`calls by role: ${JSON.stringify(callsByRole(world.judge.judged))}`);
    t.diagnostic(`${needed.size} of ${needed.size} actions that were needed were allowed`);
  });
});
