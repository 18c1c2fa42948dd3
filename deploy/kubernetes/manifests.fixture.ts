/** The Kubernetes manifests, as the tests read them: as they stand, and as kustomize renders them. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { parse, parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { builtProgram } from '../container/go.fixture.ts';

const objectSchema = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string() }),
});
export type KubernetesObject = z.output<typeof objectSchema>;

const folder = new URL('./base/', import.meta.url);
const read = (file: string): string => readFileSync(new URL(file, folder), 'utf8');

export const kustomization = z
  .looseObject({ namespace: z.string(), resources: z.array(z.string()) })
  .parse(parse(read('kustomization.yaml')));

/** The objects of every file of base/ that its kustomization names. */
export const objects: readonly KubernetesObject[] = kustomization.resources.flatMap((file) =>
  readObjects(read(file)),
);

export const files: readonly string[] = readdirSync(folder).filter((name) =>
  name.endsWith('.yaml'),
);

/** The settings that base/ gives every pod. */
export const settings: Readonly<Record<string, string | undefined>> = parseEnv(
  read('settings.env'),
);

export function readObjects(yaml: string): KubernetesObject[] {
  return parseAllDocuments(yaml).map((document) => objectSchema.parse(document.toJS()));
}

/** kubectl, which brings kustomize: the machine's, or the one that api-server.test.ts built. */
const kubectl = ['kubectl', builtProgram('kubectl')].find(
  (program) => spawnSync(program, ['version', '--client']).status === 0,
);

/** False where kubectl is missing. */
export const hasKubectl = kubectl !== undefined;

/** What `kubectl apply -k` would apply. @param path folder of a kustomization, from this one */
export function render(path: string): KubernetesObject[] {
  const target = resolve(import.meta.dirname, path);
  const { status, stdout, stderr } = spawnSync(kubectl ?? 'kubectl', ['kustomize', target], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`kubectl cannot render ${path}: ${stderr}`);
  return readObjects(stdout);
}

const probeSchema = z.looseObject({
  exec: z.object({ command: z.tuple([z.string()], z.string()) }).optional(),
});

const containerSchema = z.looseObject({
  image: z.string(),
  args: z.array(z.string()),
  env: z.array(z.object({ name: z.string(), value: z.string() })).optional(),
  envFrom: z
    .array(
      z.object({
        configMapRef: z.object({ name: z.string() }).optional(),
        secretRef: z.object({ name: z.string(), optional: z.boolean() }).optional(),
      }),
    )
    .optional(),
  ports: z.array(z.looseObject({ name: z.string().optional() })).optional(),
  readinessProbe: z.looseObject({}).optional(),
  startupProbe: probeSchema.optional(),
  livenessProbe: probeSchema.optional(),
  lifecycle: z
    .object({ preStop: z.object({ sleep: z.object({ seconds: z.number() }) }) })
    .optional(),
});

/** The pods of a Deployment or Job. */
const podsSchema = z.looseObject({
  spec: z.looseObject({
    replicas: z.number().optional(),
    template: z.looseObject({
      metadata: z.looseObject({ labels: z.record(z.string(), z.string()) }).optional(),
      spec: z.looseObject({
        terminationGracePeriodSeconds: z.number().optional(),
        serviceAccountName: z.string().optional(),
        containers: z.tuple([containerSchema]),
      }),
    }),
  }),
});

export function find(kind: string, name: string, among = objects): KubernetesObject {
  const found = among.find((one) => one.kind === kind && one.metadata.name === name);
  if (found === undefined) throw new Error(`There is no ${kind} ${name}.`);
  return found;
}

export function podsOf(kind: string, name: string, among = objects) {
  const { spec } = podsSchema.parse(find(kind, name, among));
  const { metadata, spec: pods } = spec.template;
  const [container] = pods.containers;
  return { replicas: spec.replicas, labels: metadata?.labels ?? {}, ...pods, container };
}

type ModelClass = new (object: object) => { validate(): void };

/** Where kubernetes-models keeps the schema of a kind: Kubernetes' own OpenAPI, or KEDA's. */
export async function schemaOf(apiVersion: string, kind: string): Promise<ModelClass> {
  const home = apiVersion.startsWith('keda.sh/')
    ? `@kubernetes-models/keda/${apiVersion}/${kind}`
    : `kubernetes-models/${apiVersion}/${kind}`;
  const module: Record<string, ModelClass> = await import(home);
  const found = module[kind];
  if (found === undefined) throw new Error(`no schema of ${apiVersion} ${kind}`);
  return found;
}
