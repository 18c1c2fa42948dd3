/** The objects of the project in a cluster without nodes, where tests report pods as a kubelet would. */
import { z } from 'zod';
import { until } from '../../test/condition.fixture.ts';
import type { Cluster } from './cluster.fixture.ts';
import { kustomization } from './manifests.fixture.ts';

export const NAMESPACE = kustomization.namespace;

const conditionsSchema = z
  .array(z.looseObject({ type: z.string(), status: z.string() }))
  .default([]);
const podSchema = z.looseObject({
  metadata: z.looseObject({
    name: z.string(),
    deletionTimestamp: z.string().optional(),
    labels: z.record(z.string(), z.string()),
  }),
  spec: z.looseObject({
    containers: z.tuple([
      z.looseObject({
        image: z.string(),
        envFrom: z
          .array(z.looseObject({ configMapRef: z.looseObject({ name: z.string() }).optional() }))
          .default([]),
      }),
    ]),
    volumes: z.array(z.looseObject({ name: z.string() })).default([]),
  }),
  status: z.looseObject({ phase: z.string(), conditions: conditionsSchema }),
});
export type Pod = z.output<typeof podSchema>;

export const isReady = ({ status }: Pod): boolean =>
  status.conditions.some(({ type, status: value }) => type === 'Ready' && value === 'True');

export function tiers(cluster: Cluster) {
  const kubectl = (...args: string[]): string => cluster.kubectl(['-n', NAMESPACE, ...args]);

  /** Pods of a tier, or of the job `provision`, that nothing ends yet. */
  function pods(tier: string): Pod[] {
    const selector = tier === 'provision' ? 'job-name=provision' : `app=${tier}`;
    const { items } = z
      .object({ items: z.array(podSchema) })
      .parse(JSON.parse(kubectl('get', 'pods', '-l', selector, '-o', 'json')));
    return items.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  }

  function report(pod: Pod, status: object): void {
    const patch = JSON.stringify({ status });
    kubectl('patch', 'pod', pod.metadata.name, '--subresource=status', '--type=merge', '-p', patch);
  }

  return {
    kubectl,
    pods,

    /** Reports every new pod of the tier ready until its rollout is complete. */
    async complete(tier: string): Promise<void> {
      await until(`the rollout of ${tier}`, () => {
        for (const pod of pods(tier).filter((one) => !isReady(one)))
          report(pod, { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] });
        const said = cluster.try([
          ...['-n', NAMESPACE, 'rollout', 'status', `deployment/${tier}`],
          ...['--watch=false'],
        ]);
        return said.ok && said.out.includes('successfully rolled out');
      });
    },

    /** Reports that the pod of the job `provision` ended well. */
    async finishProvision(): Promise<void> {
      const [pod] = await until('the pod of provision', () => nonEmpty(pods('provision')));
      report(pod!, { phase: 'Succeeded' });
      kubectl('wait', '--for=condition=complete', 'job/provision', '--timeout=30s');
    },

    /** Asks for the end of a pod as `kubectl drain` does. @returns whether the budget allows it */
    evict(pod: Pod): boolean {
      const { name } = pod.metadata;
      const eviction = {
        apiVersion: 'policy/v1',
        kind: 'Eviction',
        metadata: { name, namespace: NAMESPACE },
      };
      const path = `/api/v1/namespaces/${NAMESPACE}/pods/${name}/eviction`;
      const said = cluster.try(['create', '--raw', path, '-f', '-'], JSON.stringify(eviction));
      if (said.ok) return true;
      if (/disruption budget/.test(said.error)) return false;
      throw new Error(said.error);
    },
  };
}
export type Tiers = ReturnType<typeof tiers>;

export function nonEmpty<T>(list: readonly T[]): readonly T[] | undefined {
  return list.length > 0 ? list : undefined;
}

/** Names of everything in the cluster that can be listed and deleted, without events and leases. */
export function everything(cluster: Cluster): string[] {
  const kinds = cluster
    .kubectl(['api-resources', '--verbs=list,delete', '-o', 'name'])
    .split('\n')
    .filter((kind) => kind !== '' && !/^(?:events|leases)\b/.test(kind));
  const found = cluster.kubectl([
    ...['get', kinds.join(','), '-A', '--ignore-not-found'],
    ...['-o', 'custom-columns=K:.kind,N:.metadata.namespace,M:.metadata.name', '--no-headers'],
  ]);
  return found
    .split('\n')
    .map((line) => line.trim().replace(/\s+/g, ' '))
    .filter(Boolean)
    .sort();
}
