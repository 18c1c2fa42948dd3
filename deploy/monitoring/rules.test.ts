import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { stringify } from 'yaml';
import { alerts, dashboard, expressions, missing, pathOf, ruleTests } from './files.fixture.ts';

const skip = missing('promtool');
const promtool = (...args: string[]) =>
  spawnSync('promtool', args, { encoding: 'utf8', cwd: import.meta.dirname });

const handbook = readFileSync(join(import.meta.dirname, '../../docs/operating.md'), 'utf8');
const headings = (handbook.match(/^#+ .+$/gm) ?? []).map((line) => line.replace(/^#+ /, ''));

describe('what Prometheus and Grafana are given', () => {
  it('is a scrape config that Prometheus takes', { skip }, () => {
    const { status, stderr } = promtool('check', 'config', pathOf('prometheus.yml'));
    assert.equal(status, 0, stderr);
  });

  it('is rules that do what their tests say', { skip }, () => {
    const { status, stdout, stderr } = promtool('test', 'rules', pathOf('rules.test.yml'));
    assert.equal(status, 0, stdout + stderr);
  });

  it('has a test for every alert', () => {
    for (const { alert } of alerts) assert.match(ruleTests, new RegExp(`\\b${alert}\\b`));
  });

  it('leads from every alert to its own heading in the handbook', () => {
    assert.ok(alerts.length > 0);
    for (const { alert = '', annotations } of alerts) {
      assert.ok(headings.includes(alert), `docs/operating.md has no heading ${alert}`);
      assert.equal(annotations?.runbook_url, `docs/operating.md#${alert.toLowerCase()}`);
      assert.ok(
        annotations?.summary && annotations.description,
        `${alert} says what and what to do`,
      );
    }
  });

  it('has no heading of an alert that is gone', () => {
    const named = headings.filter((heading) => heading.startsWith('ElasticFace'));
    assert.deepEqual(new Set(named), new Set(alerts.map(({ alert }) => alert)));
  });

  it('asks in the dashboard only what PromQL can read', { skip }, () => {
    const folder = mkdtempSync(join(tmpdir(), 'elastic-face-dashboard-'));
    const rules = expressions.map(([, expr], index) => ({ record: `panel:${index}`, expr }));
    const file = join(folder, 'panels.yml');
    writeFileSync(file, stringify({ groups: [{ name: 'panels', rules }] }));
    const { status, stderr } = promtool('check', 'rules', file);
    assert.equal(status, 0, stderr);
    rmSync(folder, { recursive: true });
  });

  it('is a dashboard whose panels have ids of their own and do not lie on each other', () => {
    const { panels, templating } = dashboard;
    assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
    assert.deepEqual(
      templating.list.map(({ name, type }) => [name, type]),
      [
        ['datasource', 'datasource'],
        ['project', 'query'],
      ],
    );
    const taken = new Set<string>();
    for (const { title, gridPos } of panels) {
      assert.ok(gridPos.x + gridPos.w <= 24, `${title} is within the grid`);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          assert.ok(!taken.has(`${x} ${y}`), `${title} lies on another panel`);
          taken.add(`${x} ${y}`);
        }
      }
    }
  });
});
