import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { z } from 'zod';
import { cloudNames } from '../../cloud/contract/names.ts';
import { readSettings, settingsSchema } from '../../runtime/settings.ts';
import {
  files,
  find,
  kustomization,
  objects,
  podsOf,
  schemaOf,
  settings,
} from './manifests.fixture.ts';

const scaledObject = z
  .looseObject({
    spec: z.looseObject({
      scaleTargetRef: z.object({ name: z.string() }),
      minReplicaCount: z.number(),
      maxReplicaCount: z.number(),
      triggers: z.tuple([
        z.looseObject({
          type: z.string(),
          metadata: z.record(z.string(), z.string()),
          authenticationRef: z.object({ name: z.string() }),
        }),
      ]),
    }),
  })
  .parse(find('ScaledObject', 'worker')).spec;

const policySchema = z.object({
  spec: z.object({
    podSelector: z.object({ matchLabels: z.record(z.string(), z.string()).optional() }),
    ingress: z
      .array(
        z.looseObject({ ports: z.array(z.object({ port: z.union([z.number(), z.string()]) })) }),
      )
      .optional(),
  }),
});

describe('the Kubernetes manifests', () => {
  for (const object of objects) {
    it(`${object.kind} ${object.metadata.name} fits its schema`, async () => {
      const Model = await schemaOf(object.apiVersion, object.kind);
      new Model(object).validate();
    });
  }

  it('are refused by that schema where a field has the wrong type', async () => {
    const Model = await schemaOf('keda.sh/v1alpha1', 'ScaledObject');
    const wrong = { ...find('ScaledObject', 'worker'), spec: { triggers: 'queue' } };
    assert.throws(() => new Model(wrong).validate());
  });

  it('are all named by the kustomization', () => {
    assert.deepEqual([...files].sort(), [...kustomization.resources, 'kustomization.yaml'].sort());
  });

  it('give only settings that there are, with values that they accept', () => {
    for (const name of Object.keys(settings)) assert.ok(name in settingsSchema.shape, name);
    readSettings({}, settings);
  });

  for (const [kind, name, secrets] of [
    ['Deployment', 'web', ['keys', 'redis']],
    ['Deployment', 'worker', ['redis']],
    ['Job', 'provision', []],
  ] as const) {
    it(`${name} is the image with its command, its settings and an account of its own`, () => {
      const { container, serviceAccountName } = podsOf(kind, name);
      assert.equal(container.image, 'elastic-face');
      assert.deepEqual(container.args, [name]);
      // What comes later wins: a secret REDIS_URL replaces the one of the settings.
      assert.deepEqual(container.envFrom, [
        { configMapRef: { name: 'settings' } },
        ...secrets.map((secret) => ({ secretRef: { name: secret, optional: true } })),
      ]);
      assert.equal(serviceAccountName, name);
      assert.ok(find('ServiceAccount', name));
    });
  }

  it('let KEDA alone say how many workers there are, from the queue that the settings name', () => {
    const [trigger] = scaledObject.triggers;
    const worker = podsOf('Deployment', 'worker');
    assert.equal(worker.replicas, undefined);
    assert.equal(scaledObject.scaleTargetRef.name, 'worker');
    assert.equal(scaledObject.minReplicaCount, 0);
    assert.equal(trigger.type, 'aws-sqs-queue');
    assert.equal(trigger.metadata.scaleOnInFlight, 'true');
    const variable = trigger.metadata.queueURLFromEnv;
    const value = worker.container.env?.find(({ name }) => name === variable)?.value;
    assert.equal(
      value?.replace('$(PROJECT_ID)', settings.PROJECT_ID ?? ''),
      cloudNames(settings.PROJECT_ID ?? '').requestQueue,
    );
    assert.ok(find('TriggerAuthentication', trigger.authenticationRef.name));
  });

  it('give web and worker longer to go than they take by their settings', () => {
    const inEffect = readSettings({}, settings);
    const web = podsOf('Deployment', 'web');
    const sleep = web.container.lifecycle?.preStop.sleep.seconds ?? 0;
    assert.ok((web.terminationGracePeriodSeconds ?? 30) > sleep + inEffect.STOP_SECONDS);
    const grace = podsOf('Deployment', 'worker').terminationGracePeriodSeconds ?? 30;
    assert.ok(grace > inEffect.VISIBILITY_SECONDS);
  });

  it('open a port of a pod to others only where a policy names it, and no other port', () => {
    const policies = objects
      .filter(({ kind }) => kind === 'NetworkPolicy')
      .map((object) => policySchema.parse(object).spec);
    const closed = policies.find(({ podSelector }) => podSelector.matchLabels === undefined);
    assert.ok(closed && closed.ingress === undefined, 'no policy closes all pods');
    for (const name of ['web', 'worker', 'redis']) {
      const { labels, container } = podsOf('Deployment', name);
      const open = policies
        .filter(({ podSelector }) => podSelector.matchLabels?.app === labels.app)
        .flatMap(({ ingress = [] }) => ingress.flatMap(({ ports }) => ports));
      const listening = container.ports?.map((port) => port.name ?? port.containerPort) ?? [];
      assert.deepEqual(
        open.map(({ port }) => port),
        listening,
        name,
      );
    }
  });

  it('let a drain of nodes end one web pod and half of the workers at a time, also where there is one', () => {
    for (const [name, maxUnavailable] of [
      ['web', 1],
      ['worker', '50%'],
    ] as const) {
      assert.deepEqual(find('PodDisruptionBudget', name).spec, {
        maxUnavailable,
        selector: { matchLabels: { app: name } },
      });
    }
  });

  it('give no pod a token for the API server, which none of them calls', () => {
    for (const name of ['web', 'worker', 'provision'])
      assert.equal(find('ServiceAccount', name).automountServiceAccountToken, false);
  });
});
