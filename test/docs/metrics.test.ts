/** docs/metrics.md against the code: each metric's name, type, labels and meaning. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { Registry } from '@prometheus-io/client';
import { z } from 'zod';
import { scalerMetrics } from '../../scaler/report/metrics.ts';
import { type MetricSources, webMetrics } from '../../web/metrics/metrics.ts';
import { CHECKOUT } from './markdown.fixture.ts';

/** Registering reads none of its sources. */
const sources = { queues: {}, workers: {} } as unknown as MetricSources;
const bounds = { MAX_INSTANCES: 1, MIN_INSTANCES: 0, WARM_POOL: 0 };
const registries: Readonly<Record<string, Registry>> = {
  'Web tier': webMetrics(sources).registry,
  Scaler: scalerMetrics(() => assert.fail('nothing is scraped here'), bounds),
};

const metricSchema = z.object({
  name: z.string(),
  type: z.string(),
  help: z.string(),
  labelNames: z.array(z.string()),
});

function tableOf(registry: Registry): string {
  const rows = registry
    .getMetricsAsArray()
    .map((metric) => metricSchema.parse(metric))
    .filter(({ name }) => name.startsWith('elastic_face_'))
    .map(({ name, type, labelNames, help }) => {
      const labels = labelNames.map((label) => `\`${label}\``).join(', ');
      return `| \`${name}\` | ${type} | ${labels} | ${help} |`;
    });
  return ['| metric | type | labels | meaning |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

describe('docs/metrics.md', () => {
  const page = readFileSync(join(CHECKOUT, 'docs/metrics.md'), 'utf8');

  for (const [service, registry] of Object.entries(registries)) {
    it(`lists every metric of the ${service.toLowerCase()} as the code registers it`, () => {
      const table = `## ${service}\n\n${tableOf(registry)}\n`;
      assert.ok(page.includes(table), `docs/metrics.md should have:\n${table}`);
    });
  }
});
