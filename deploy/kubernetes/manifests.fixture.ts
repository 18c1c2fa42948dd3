/** The Kubernetes manifests of this folder, as the tests read them. */
import { readdirSync, readFileSync } from 'node:fs';
import { parse, parseAllDocuments } from 'yaml';
import { z } from 'zod';

const objectSchema = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string() }),
});
export type KubernetesObject = z.output<typeof objectSchema>;

const folder = new URL('./', import.meta.url);
const read = (file: string): string => readFileSync(new URL(file, folder), 'utf8');

/** What `kubectl apply -k` would apply: the objects of every file that the kustomization names. */
export const kustomization = z
  .looseObject({ namespace: z.string(), resources: z.array(z.string()) })
  .parse(parse(read('kustomization.yaml')));

export const objects: readonly KubernetesObject[] = kustomization.resources.flatMap((file) =>
  parseAllDocuments(read(file)).map((document) => objectSchema.parse(document.toJS())),
);

export const files: readonly string[] = readdirSync(folder).filter((name) =>
  name.endsWith('.yaml'),
);

const containerSchema = z.looseObject({
  image: z.string(),
  args: z.array(z.string()),
  envFrom: z.array(z.object({ configMapRef: z.object({ name: z.string() }) })).optional(),
  readinessProbe: z.looseObject({}).optional(),
  livenessProbe: z.looseObject({}).optional(),
  lifecycle: z
    .object({ preStop: z.object({ sleep: z.object({ seconds: z.number() }) }) })
    .optional(),
});

/** The pods of a Deployment or Job. */
const podsSchema = z.looseObject({
  spec: z.looseObject({
    replicas: z.number().optional(),
    template: z.looseObject({
      spec: z.looseObject({
        terminationGracePeriodSeconds: z.number().optional(),
        serviceAccountName: z.string().optional(),
        containers: z.tuple([containerSchema]),
      }),
    }),
  }),
});

export function find(kind: string, name: string): KubernetesObject {
  const found = objects.find((one) => one.kind === kind && one.metadata.name === name);
  if (found === undefined) throw new Error(`There is no ${kind} ${name}.`);
  return found;
}

export function podsOf(kind: string, name: string) {
  const { spec } = podsSchema.parse(find(kind, name));
  const [container] = spec.template.spec.containers;
  return { replicas: spec.replicas, ...spec.template.spec, container };
}
