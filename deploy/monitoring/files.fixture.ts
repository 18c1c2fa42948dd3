/** What stands in this folder's files, for its tests: the dashboard, the rules, and the metrics they name. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';

export const pathOf = (file: string): string => join(import.meta.dirname, file);
const textOf = (file: string): string => readFileSync(pathOf(file), 'utf8');

/** Whatever the reader's Grafana calls it. */
const dataSource = z.object({ uid: z.string().regex(/^\$\{datasource\}$/) });

const panelSchema = z.object({
  id: z.int(),
  type: z.string(),
  title: z.string().min(1),
  datasource: dataSource.optional(),
  targets: z.array(z.object({ expr: z.string(), datasource: dataSource })).default([]),
  gridPos: z.object({ x: z.int(), y: z.int(), w: z.int(), h: z.int() }),
});
const dashboardSchema = z.object({
  uid: z.literal('elastic-face'),
  schemaVersion: z.literal(39),
  templating: z.object({ list: z.array(z.object({ name: z.string(), type: z.string() })) }),
  panels: z.array(panelSchema),
});

export const dashboard = dashboardSchema.parse(JSON.parse(textOf('dashboard.json')));

const rulesSchema = z.object({
  groups: z.array(
    z.object({
      rules: z.array(
        z.object({
          alert: z.string().optional(),
          record: z.string().optional(),
          expr: z.string(),
          annotations: z.record(z.string(), z.string()).optional(),
        }),
      ),
    }),
  ),
});
const rulesOf = (file: string) =>
  rulesSchema.parse(parse(textOf(file))).groups.flatMap(({ rules }) => rules);

export const records = rulesOf('recording.rules.yml');
export const alerts = rulesOf('alerts.rules.yml');
export const ruleTests = textOf('rules.test.yml');

/** Every expression, by where it stands; a panel's with its variables filled in. */
export const expressions: readonly (readonly [string, string])[] = [
  ...records.map(({ record, expr }) => [record ?? '', expr] as const),
  ...alerts.map(({ alert, expr }) => [alert ?? '', expr] as const),
  ...dashboard.panels.flatMap(({ title, targets }) =>
    targets.map(
      ({ expr }) =>
        [title, expr.replaceAll('$project', '.*').replaceAll('$__rate_interval', '5m')] as const,
    ),
  ),
];

/** Metrics that an expression names: what stands before a selector, a range or a closing bracket. */
export function metricsIn(expr: string): string[] {
  return expr.match(/(?:\b[a-z_]+:)?\b(?:elastic_face|process|nodejs)_\w+(?::\w+)?/g) ?? [];
}

/** Says why tests that need this program are skipped; false where it is installed. */
export function missing(program: string): string | false {
  const { error } = spawnSync(program, ['--version']);
  return error === undefined ? false : `${program} is not on the PATH`;
}
