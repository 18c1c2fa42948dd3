import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { z } from 'zod';
import { cloudNames } from '../../cloud/contract/names.ts';
import { readSettings, settingsSchema } from '../../runtime/settings.ts';
import { files, find, kustomization, objects, podsOf } from './manifests.fixture.ts';

/** Where kubernetes-models keeps the schema of a kind: Kubernetes' own OpenAPI, or KEDA's. */
async function schemaOf(apiVersion: string, kind: string): Promise<ModelClass> {
  const home = apiVersion.startsWith('keda.sh/')
    ? `@kubernetes-models/keda/${apiVersion}/${kind}`
    : `kubernetes-models/${apiVersion}/${kind}`;
  const module: Record<string, ModelClass> = await import(home);
  const found = module[kind];
  assert.ok(found, `no schema of ${apiVersion} ${kind}`);
  return found;
}
type ModelClass = new (object: object) => { validate(): void };

const settingsMap = z
  .looseObject({ data: z.record(z.string(), z.string()) })
  .parse(find('ConfigMap', 'settings')).data;

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
    for (const name of Object.keys(settingsMap)) assert.ok(name in settingsSchema.shape, name);
    readSettings({}, settingsMap);
  });

  for (const [kind, name] of [
    ['Deployment', 'web'],
    ['Deployment', 'worker'],
    ['Job', 'provision'],
  ] as const) {
    it(`${name} is the image with its command, its settings and an account of its own`, () => {
      const { container, serviceAccountName } = podsOf(kind, name);
      assert.equal(container.image, 'elastic-face');
      assert.deepEqual(container.args, [name]);
      assert.deepEqual(container.envFrom, [{ configMapRef: { name: 'settings' } }]);
      assert.equal(serviceAccountName, name);
      assert.ok(find('ServiceAccount', name));
    });
  }

  it('let KEDA alone say how many workers there are, from the queue that the settings name', () => {
    const [trigger] = scaledObject.triggers;
    assert.equal(podsOf('Deployment', 'worker').replicas, undefined);
    assert.equal(scaledObject.scaleTargetRef.name, 'worker');
    assert.equal(scaledObject.minReplicaCount, 0);
    assert.equal(trigger.type, 'aws-sqs-queue');
    const { PROJECT_ID = '', AWS_REGION } = settingsMap;
    assert.equal(trigger.metadata.queueURL, cloudNames(PROJECT_ID).requestQueue);
    assert.equal(trigger.metadata.awsRegion, AWS_REGION);
    assert.equal(trigger.metadata.scaleOnInFlight, 'true');
    assert.ok(find('TriggerAuthentication', trigger.authenticationRef.name));
  });

  it('give web and worker longer to go than they take by their settings', () => {
    const settings = readSettings({}, settingsMap);
    const web = podsOf('Deployment', 'web');
    const sleep = web.container.lifecycle?.preStop.sleep.seconds ?? 0;
    assert.ok((web.terminationGracePeriodSeconds ?? 30) > sleep + settings.STOP_SECONDS);
    const grace = podsOf('Deployment', 'worker').terminationGracePeriodSeconds ?? 30;
    assert.ok(grace > settings.VISIBILITY_SECONDS);
  });
});
