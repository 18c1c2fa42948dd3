import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { until } from '../../test/condition.fixture.ts';
import { type SlowStack, startSlowStack } from '../../test/slow-stack.fixture.ts';
import { dashboard, expressions, metricsIn, missing, pathOf, records } from './files.fixture.ts';

const scrape = async (url: string): Promise<string> =>
  (await fetch(new URL('/metrics', url))).text();
const hostOf = (url: string): string => new URL(url).host;

describe('what web tier and scaler tell Prometheus', { timeout: 120_000 }, () => {
  let system: SlowStack;
  let scraped: string;
  before(async () => {
    // Room for one instance of two, so that launches are refused as well.
    const fleet = { MAX_INSTANCES: 2, IDLE_SECONDS: 300, LOCAL_EC2_CAPACITY: '*=1' };
    system = await startSlowStack(0.05, fleet);
    await Promise.all(Array.from({ length: 6 }, () => system.post()));
    const { webUrl, scalerUrl } = system.stack;
    scraped = `${await scrape(webUrl)}\n${await scrape(scalerUrl)}`;
  });
  after(() => system.stop());

  it('measures every stage of a photo’s way once for each photo', () => {
    const stages = [
      'store',
      'queue',
      'fetch',
      'wait',
      'decode',
      'detect',
      'embed',
      'match',
      'write',
    ];
    for (const stage of stages) {
      const count = `elastic_face_stage_duration_seconds_count{stage="${stage}"} 6`;
      assert.ok(scraped.split('\n').includes(count), count);
    }
    const model = 'elastic_face_model_info{backend="slow",precision="float32",version="none"} 1';
    assert.ok(scraped.includes(model), model);
  });

  it('keeps to Prometheus’ conventions, says its own linter', { skip: missing('promtool') }, () => {
    for (const url of ['web', 'scaler']) {
      const ours = scraped.split('\n').filter((line) => /^(?:# \w+ )?elastic_face_/.test(line));
      const only = ours.filter((line) => line.includes('_scaler_') === (url === 'scaler'));
      const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
        input: `${only.join('\n')}\n`,
        encoding: 'utf8',
      });
      assert.deepEqual([status, stdout, stderr], [0, '', '']);
    }
  });

  it('has every metric that dashboard and rules name', () => {
    const served = new Set(
      [...scraped.matchAll(/^# TYPE (\w+) (\w+)$/gm)].flatMap(([, name = '', type]) =>
        type === 'histogram' ? ['bucket', 'sum', 'count'].map((part) => `${name}_${part}`) : [name],
      ),
    );
    const recorded = new Set(records.map(({ record }) => record));
    for (const [where, expr] of expressions) {
      for (const name of metricsIn(expr)) {
        assert.ok(served.has(name) || recorded.has(name), `${where}: nobody serves ${name}`);
      }
    }
  });

  it('has a row in docs/metrics.md for every metric of ours', () => {
    const reference = readFileSync(join(import.meta.dirname, '../../docs/metrics.md'), 'utf8');
    const rows = [...reference.matchAll(/^\| `(elastic_face_\w+)/gm)].map(([, name]) => name);
    const names = [...scraped.matchAll(/^# TYPE (elastic_face_\w+) /gm)].map(([, name]) => name);
    assert.deepEqual(new Set(rows), new Set(names));
  });

  it('fills every panel of the dashboard', { skip: missing('prometheus') }, async () => {
    const prometheus = await startPrometheus(system);
    // While there is work for two and room for one, EC2 is asked again and refuses again.
    let isDone = false;
    const posting = [1, 2, 3].map(async () => {
      while (!isDone) await system.post();
    });
    try {
      for (const { title, targets } of dashboard.panels) {
        for (const { expr } of targets) {
          await until(`data for ${title}: ${expr}`, () => prometheus.has(expr), { everyMs: 500 });
        }
      }
    } finally {
      isDone = true;
      await Promise.all(posting);
      await prometheus.stop();
    }
  });
});

/** A real Prometheus with the example's own files; only targets and intervals are the test's. */
async function startPrometheus({ stack }: SlowStack) {
  const folder = mkdtempSync(join(tmpdir(), 'elastic-face-prometheus-'));
  for (const file of ['recording.rules.yml', 'alerts.rules.yml']) {
    cpSync(pathOf(file), join(folder, file));
  }
  const config = readFileSync(pathOf('prometheus.yml'), 'utf8')
    .replaceAll('interval: 15s', 'interval: 1s')
    .replace('127.0.0.1:8000', hostOf(stack.webUrl))
    .replace('127.0.0.1:9101', hostOf(stack.scalerUrl));
  writeFileSync(join(folder, 'prometheus.yml'), config);
  const child: ChildProcess = spawn(
    'prometheus',
    [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      '--web.listen-address=127.0.0.1:0',
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const exited = once(child, 'exit');
  let said = '';
  child.stderr?.on('data', (chunk) => {
    said += chunk;
  });
  const address = await until('Prometheus to listen', () => {
    if (child.exitCode !== null) throw new Error(`prometheus ended:\n${said}`);
    return /Listening on"? address=(\S+)/.exec(said)?.[1];
  });
  // It listens before it answers questions.
  await until('Prometheus to be ready', async () => {
    return (await fetch(`http://${address}/-/ready`)).ok;
  });
  return {
    /** Whether it has had an answer at any time of the last minutes. */
    async has(expr: string): Promise<boolean> {
      const filled = expr.replaceAll('$project', '.*').replaceAll('$__rate_interval', '5m');
      const end = Date.now() / 1000;
      const range = { query: filled, start: String(end - 120), end: String(end), step: '1' };
      const url = `http://${address}/api/v1/query_range?${new URLSearchParams(range)}`;
      const { data } = (await (await fetch(url)).json()) as { data?: { result: unknown[] } };
      return (data?.result.length ?? 0) > 0;
    },
    async stop() {
      child.kill('SIGTERM');
      await exited;
      rmSync(folder, { recursive: true });
    },
  };
}
