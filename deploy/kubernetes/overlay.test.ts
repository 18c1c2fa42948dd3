import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { readSettings } from '../../runtime/settings.ts';
import {
  find,
  hasKubectl,
  type KubernetesObject,
  podsOf,
  render,
  schemaOf,
} from './manifests.fixture.ts';

const dataSchema = z.looseObject({ data: z.record(z.string(), z.string()) });

/** Plain text of the secret or settings that kustomize made under this name. */
function generated(among: KubernetesObject[], kind: string, name: string): Record<string, string> {
  const { data } = dataSchema.parse(find(kind, name, among));
  const plain = ([key, text]: [string, string]): [string, string] => [
    key,
    kind === 'Secret' ? Buffer.from(text, 'base64').toString() : text,
  ];
  return Object.fromEntries(Object.entries(data).map(plain));
}

/** All that `envFrom` gives a container, in Kubernetes' order: what comes later wins. */
function environmentOf(among: KubernetesObject[], kind: string, name: string) {
  const environment: Record<string, string> = {};
  for (const { configMapRef, secretRef } of podsOf(kind, name, among).container.envFrom ?? []) {
    if (configMapRef) Object.assign(environment, generated(among, 'ConfigMap', configMapRef.name));
    // A secret is optional, and kustomize leaves the name of one that is missing as it is.
    else if (secretRef && !['keys', 'redis'].includes(secretRef.name))
      Object.assign(environment, generated(among, 'Secret', secretRef.name));
  }
  return environment;
}

/** kustomize wraps base64, which Kubernetes allows and the schema does not. */
function withoutLineBreaks(secret: KubernetesObject): KubernetesObject {
  const { data } = dataSchema.parse(secret);
  const entries = Object.entries(data).map(([key, text]) => [key, text.replaceAll('\n', '')]);
  return { ...secret, data: Object.fromEntries(entries) };
}

const skip = hasKubectl ? false : 'kubectl is missing';

describe('a kustomize overlay', { skip }, () => {
  it('of the example renders objects that fit their schemas', async () => {
    for (const object of render('example')) {
      const Model = await schemaOf(object.apiVersion, object.kind);
      new Model(object.kind === 'Secret' ? withoutLineBreaks(object) : object).validate();
    }
  });

  it('sets image, project, region, keys, Redis and roles without a change of the base', () => {
    const objects = render('example');
    for (const [kind, name] of [
      ['Deployment', 'web'],
      ['Deployment', 'worker'],
      ['Job', 'provision'],
    ] as const) {
      const { container } = podsOf(kind, name, objects);
      assert.equal(container.image, 'registry.example/elastic-face:0.1.0');
      const account = z
        .looseObject({ metadata: z.looseObject({ annotations: z.record(z.string(), z.string()) }) })
        .parse(find('ServiceAccount', name, objects));
      assert.match(Object.values(account.metadata.annotations)[0] ?? '', new RegExp(`-${name}$`));
      const settings = readSettings({}, environmentOf(objects, kind, name));
      assert.equal(settings.PROJECT_ID, 'faces');
      assert.equal(settings.AWS_REGION, 'eu-central-1');
      assert.equal(settings.AWS_EC2_METADATA_DISABLED, 'true');
    }
    const web = readSettings({}, environmentOf(objects, 'Deployment', 'web'));
    assert.match(web.API_KEYS ?? '', /^alice:/);
    assert.ok(web.ADMIN_KEY_HASH);
    const worker = environmentOf(objects, 'Deployment', 'worker');
    assert.equal(worker.API_KEYS, undefined, 'a worker needs no keys');
    for (const { REDIS_URL } of [web, worker]) assert.match(REDIS_URL ?? '', /^rediss:/);
    assert.equal(
      objects.some(({ metadata }) => metadata.name === 'redis'),
      false,
    );
  });

  it('without an external Redis uses the one of the cluster', () => {
    const objects = render('base');
    assert.ok(find('Deployment', 'redis', objects));
    assert.equal(environmentOf(objects, 'Deployment', 'worker').REDIS_URL, 'redis://redis:6379');
  });

  it('rolls the pods when a setting changes, since they name the settings by their content', (t) => {
    const scratch = mkdtempSync(join(tmpdir(), 'overlay-'));
    t.after(() => rmSync(scratch, { recursive: true }));
    cpSync(fileURLToPath(new URL('base', import.meta.url)), join(scratch, 'base'), {
      recursive: true,
    });
    const overlay = (level: string): KubernetesObject[] => {
      writeFileSync(
        join(scratch, 'kustomization.yaml'),
        `resources: [./base]\nnamespace: elastic-face\nconfigMapGenerator:\n  - name: settings\n    behavior: merge\n    literals: [LOG_LEVEL=${level}]\n`,
      );
      return render(scratch);
    };
    const [before, after] = [overlay('info'), overlay('debug')];
    for (const name of ['web', 'worker']) {
      const [was, is] = [before, after].map((objects) => podsOf('Deployment', name, objects));
      assert.notDeepEqual(was?.container.envFrom, is?.container.envFrom);
      assert.equal(environmentOf(after, 'Deployment', name).LOG_LEVEL, 'debug');
    }
  });
});
