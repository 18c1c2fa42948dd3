/** A real API server of Kubernetes and its controllers take, roll and delete what the manifests say. */
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { until } from '../../test/condition.fixture.ts';
import { whyNoGo } from '../container/go.fixture.ts';
import { buildPrograms, type Cluster, startCluster } from './cluster.fixture.ts';
import { kedaDefinitions } from './keda.fixture.ts';
import { readObjects } from './manifests.fixture.ts';
import { everything, isReady, NAMESPACE, nonEmpty, type Tiers, tiers } from './tier.fixture.ts';

const TIERS = ['web', 'worker'] as const;

describe('a Kubernetes API server', {
  skip: whyNoGo('KUBERNETES', 'compiles 2,700 Go packages the first time'),
  timeout: 7_200_000,
}, () => {
  const folder = mkdtempSync(join(tmpdir(), 'elastic-face-cluster-'));
  const mine = join(folder, 'manifests/example');
  let cluster: Cluster;
  let tier: Tiers;
  let atFirst: string[];

  before(async () => {
    for (const part of ['base', 'example', 'external-redis'])
      cpSync(join(import.meta.dirname, part), join(folder, 'manifests', part), { recursive: true });
    edit('images:', 'replicas:\n  - name: web\n    count: 4\nimages:');
    cluster = await startCluster(buildPrograms(), folder);
    tier = tiers(cluster);
    const definitions = kedaDefinitions().flatMap((file) => ['-f', file]);
    cluster.kubectl(['apply', '--server-side', ...definitions]);
    cluster.kubectl(['wait', '--for=condition=established', 'crd', '--all', '--timeout=60s']);
    await until(
      'the default namespace’s account',
      () => cluster.try(['get', 'serviceaccount', 'default']).ok,
    );
    atFirst = everything(cluster);
  });
  after(async () => {
    await cluster?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** As an operator changes the copy of the example. */
  function edit(was: string, is: string): void {
    const file = join(mine, 'kustomization.yaml');
    const text = readFileSync(file, 'utf8');
    assert.ok(text.includes(was), was);
    writeFileSync(file, text.replace(was, is));
  }

  it('takes every object of the example, with no unknown field and no warning', () => {
    const wanted = readObjects(cluster.kubectl(['kustomize', mine]));
    const said = cluster.try(['apply', '-k', mine, '--validate=strict']);
    assert.equal(said.error, '');
    const created = said.out.trim().split('\n');
    assert.deepEqual(
      created.filter((line) => !line.endsWith(' created')),
      [],
    );
    assert.equal(created.length, wanted.length);
    assert.ok(created.some((line) => line.startsWith('scaledobject.keda.sh/worker')));
    cluster.kubectl([
      'apply',
      '-k',
      mine,
      '--server-side',
      '--force-conflicts',
      '--dry-run=server',
    ]);
    const again = cluster.try(['diff', '-k', mine]);
    assert.deepEqual(again, { ok: true, out: '', error: '' }, 'nothing is left to apply');
  });

  it('refuses a field that there is not', () => {
    const [policy] = readObjects(
      cluster.kubectl(['get', 'networkpolicy', 'closed', '-n', NAMESPACE, '-o', 'yaml']),
    );
    const wrong = { ...policy, spec: { podSelector: {}, policyTypes: ['Ingress'], portz: [] } };
    const { error } = cluster.try(['apply', '--validate=strict', '-f', '-'], JSON.stringify(wrong));
    assert.match(error, /unknown field "spec\.portz"/);
  });

  it('admits the pods of each tier at the level "restricted", where a pod of root is refused', async () => {
    for (const [name, count] of [
      ['web', 4],
      ['worker', 1],
      ['provision', 1],
    ] as const)
      await until(`${count} pods of ${name}`, () => tier.pods(name).length === count);
    const { ok, error } = cluster.try(['-n', NAMESPACE, 'run', 'root', '--image=root']);
    assert.equal(ok, false);
    assert.match(error, /violates PodSecurity "restricted:latest"/);
  });

  it('gives the pods no token for itself, and their accounts no rights', () => {
    for (const name of [...TIERS, 'provision']) {
      const [pod] = tier.pods(name);
      assert.deepEqual(
        pod?.spec.volumes.map((volume) => volume.name).filter((one) => one !== 'temporary'),
        [],
        name,
      );
      const account = `system:serviceaccount:${NAMESPACE}:${name}`;
      for (const [verb, what] of [
        ['get', 'secrets'],
        ['list', 'pods'],
        ['create', 'pods'],
        ['create', 'pods/exec'],
        ['get', 'configmaps'],
        ['create', 'serviceaccounts/token'],
        ['patch', 'deployments/scale'],
        ['update', 'scaledobjects.keda.sh'],
        ['delete', 'jobs'],
        ['list', 'nodes'],
      ] as const) {
        const may = (as: string) =>
          cluster.try(['auth', 'can-i', verb, what, '-n', NAMESPACE, ...(as ? ['--as', as] : [])])
            .ok;
        assert.equal(may(account), false, `${name} may ${verb} ${what}`);
        assert.equal(may(''), true, `an administrator may not ${verb} ${what}`);
      }
    }
  });

  it('issues to each account the token that the trust of an IAM role asks for', () => {
    for (const name of [...TIERS, 'provision']) {
      const token = tier.kubectl('create', 'token', name, '--audience=sts.amazonaws.com').trim();
      const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
      assert.equal(claims.sub, `system:serviceaccount:${NAMESPACE}:${name}`);
      assert.deepEqual(claims.aud, ['sts.amazonaws.com']);
    }
  });

  it('rolls a new image out, ends no pod before another is ready, and keeps the number of KEDA', async () => {
    for (const name of TIERS) await tier.complete(name);
    await tier.finishProvision();
    tier.kubectl('scale', 'deployment/worker', '--replicas=3');
    await tier.complete('worker');
    edit('newTag: 0.1.0', 'newTag: 0.2.0');
    // The job cannot be changed while it is there; the others are.
    const { ok, error } = cluster.try(['apply', '-k', mine]);
    assert.equal(ok, false);
    assert.match(error, /The Job "provision" is invalid: .*field is immutable/);
    for (const [name, count] of [
      ['web', 4],
      ['worker', 3],
    ] as const) {
      await until(`a new pod of ${name}`, () => nonEmpty(byTag(name, '0.2.0')));
      assert.equal(
        byTag(name, '0.1.0').filter(isReady).length,
        count,
        `${name} before any is ready`,
      );
      await tier.complete(name);
      assert.equal(byTag(name, '0.2.0').filter(isReady).length, count);
      assert.deepEqual(byTag(name, '0.1.0'), []);
    }
  });

  const byTag = (name: string, tag: string) =>
    tier.pods(name).filter(({ spec }) => spec.containers[0].image.endsWith(`:${tag}`));

  it('takes an image back', async () => {
    tier.kubectl('rollout', 'undo', 'deployment/web');
    await tier.complete('web');
    assert.equal(byTag('web', '0.1.0').filter(isReady).length, 4);
  });

  it('makes the job again once it is a minute past its end, rolls a changed setting out, and takes it back', async () => {
    const gone = () => cluster.try(['-n', NAMESPACE, 'get', 'job', 'provision']).ok === false;
    await until('the end of the job', gone, { limitMs: 90_000, everyMs: 500 });
    const settingsOf = (name: string) =>
      tier.pods(name).map(({ spec }) => spec.containers[0].envFrom[0]?.configMapRef?.name);
    const [was] = settingsOf('worker');
    edit('- PROJECT_ID=faces', '- PROJECT_ID=faces\n      - LOG_LEVEL=debug');
    cluster.kubectl(['apply', '-k', mine]);
    await tier.finishProvision();
    for (const name of TIERS) {
      await until('a new pod', () => settingsOf(name).some((settings) => settings !== was));
      await tier.complete(name);
      assert.equal(settingsOf(name).includes(was), false, name);
    }
    tier.kubectl('rollout', 'undo', 'deployment/web');
    await tier.complete('web');
    assert.deepEqual(settingsOf('web'), [was, was, was, was]);
  });

  it('ends one web pod and half of the workers at a time while nodes are drained', async () => {
    for (const [name, count, atOnce] of [
      ['web', 3, 1],
      ['worker', 4, 2],
      ['worker', 1, 1],
      ['web', 1, 1],
    ] as const) {
      tier.kubectl('scale', `deployment/${name}`, `--replicas=${count}`);
      await tier.complete(name);
      const allowed = () =>
        Number(tier.kubectl('get', 'pdb', name, '-o', 'jsonpath={.status.disruptionsAllowed}'));
      await until(`the budget of ${count} pods of ${name}`, () => allowed() === atOnce);
      const evicted = tier.pods(name).map(tier.evict);
      assert.equal(evicted.filter(Boolean).length, atOnce, `${name} of ${count}`);
    }
  });

  it('rolls a changed key out to the web tier alone', async () => {
    const generation = (name: string) =>
      tier.kubectl('get', 'deployment', name, '-o', 'jsonpath={.metadata.generation}');
    const worker = generation('worker');
    const keys = join(mine, 'keys.env');
    writeFileSync(
      keys,
      readFileSync(keys, 'utf8').replace(/^ADMIN_KEY_HASH=0+/m, (line) =>
        line.replaceAll('0', '1'),
      ),
    );
    cluster.try(['apply', '-k', mine]);
    const secret = () =>
      tier.pods('web').map(({ spec }) => JSON.stringify(spec.containers[0].envFrom));
    const [was] = secret();
    await until('a new pod', () => secret().some((now) => now !== was));
    await tier.complete('web');
    assert.equal(generation('worker'), worker);
  });

  it('is as before once the example is deleted', async () => {
    cluster.kubectl(['delete', '-k', mine, '--timeout=120s']);
    await until('the last object to go', () => everything(cluster).length <= atFirst.length);
    assert.deepEqual(everything(cluster), atFirst);
  });

  it('takes base alone, with the Redis of the cluster, and is as before once that is deleted', async () => {
    const base = join(folder, 'manifests/base');
    assert.equal(cluster.try(['apply', '-k', base, '--validate=strict']).error, '');
    for (const name of ['redis', ...TIERS]) await tier.complete(name);
    const told = tier.kubectl('get', 'endpointslices', '-l', 'kubernetes.io/service-name=redis');
    assert.match(told, /redis/);
    cluster.kubectl(['delete', '-k', base, '--timeout=120s']);
    await until('the last object to go', () => everything(cluster).length <= atFirst.length);
    assert.deepEqual(everything(cluster), atFirst);
  });
});
