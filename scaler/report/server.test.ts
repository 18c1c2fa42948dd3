import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { scalerStatusSchema } from '../../cloud/contract/scaler-status.ts';
import { SettingsError } from '../../runtime/errors.ts';
import { readSettings } from '../../runtime/settings.ts';
import { send } from '../../test/browser.fixture.ts';
import { until } from '../../test/condition.fixture.ts';
import { openStage, type Stage } from '../../test/stage.fixture.ts';
import { type ScalerServer, serveStatus } from './server.ts';
import { type LoopView, Tally } from './view.ts';

const settings = readSettings({ MAX_INSTANCES: 4 }, {});

describe('the scaler’s status', { timeout: 30_000 }, () => {
  let stage: Stage;
  let server: ScalerServer;
  let base: string;

  before(async () => {
    const types = { MAX_INSTANCES: 4, INSTANCE_TYPE: 'c7i.large,c6i.large', IDLE_SECONDS: 60 };
    stage = await openStage(types, { LOCAL_EC2_CAPACITY: 'c7i.large=1' }, 4);
    server = await serveStatus(stage.loop.view, settings);
    base = `http://127.0.0.1:${server.port}`;
    await until('four', async () => (await stage.up()).length === 4);
    await until('four seen', () => stage.loop.view().seen?.observation.instances?.length === 4);
    await until('four heard', () => stage.loop.view().seen?.observation.leases?.size === 4);
  });
  after(async () => {
    await server.close();
    await stage.close();
  });
  const get = async (path: string, accept: string): Promise<string> =>
    (await fetch(`${base}${path}`, { headers: { accept } })).text();

  it('answers no page of another site, and where it listens for others any host name', async () => {
    const status = async (url: string, headers: Record<string, string>): Promise<number> =>
      (await send(url, { path: '/status', headers })).status;
    const everywhere = await serveStatus(stage.loop.view, { ...settings, SCALER_HOST: '0.0.0.0' });
    const other = `http://127.0.0.1:${everywhere.port}`;
    const site = { 'Sec-Fetch-Site': 'cross-site' };
    assert.deepEqual(
      [
        await status(base, {}),
        await status(base, { Host: 'evil.example' }),
        await status(base, site),
        await status(other, { Host: 'scaler.monitoring' }),
        await status(other, site),
      ],
      [200, 403, 403, 200, 403],
    );
    await everywhere.close();
  });

  it('tells programs what was seen, decided and refused, by its schema', async () => {
    const status = scalerStatusSchema.parse(JSON.parse(await get('/status', 'application/json')));
    assert.equal(status.role, 'leader');
    assert.deepEqual(status.now?.queue, { visible: 4, inFlight: 0 });
    assert.equal(status.now?.pressure, 0);
    assert.deepEqual(
      status.now?.instances?.map(({ name, type }) => [name, type]),
      [
        ['app-tier-instance-1', 'c7i.large'],
        ['app-tier-instance-2', 'c6i.large'],
        ['app-tier-instance-3', 'c6i.large'],
        ['app-tier-instance-4', 'c6i.large'],
      ],
    );
    assert.equal(status.launches, 4);
    assert.deepEqual(Object.keys(status.refusals), ['InsufficientInstanceCapacity']);
    const first = status.decisions.at(-1);
    assert.equal(first?.figures?.waiting, 4);
    assert.deepEqual(Object.keys(first?.refusals ?? {}), ['InsufficientInstanceCapacity']);
    assert.match(
      first?.actions[0]?.reason ?? '',
      /^4 requests are waiting or in progress, more than/,
    );
  });

  it('is a page for browsers', async () => {
    const page = await get('/status', 'text/html,application/xhtml+xml,*/*;q=0.8');
    assert.match(page, /^<!doctype html>/);
    assert.match(
      page,
      /This scaler leads\. Policy threshold, at most 4 instances; 4 launched, refused: /,
    );
    assert.match(page, /launch app-tier-instance-1.*: 4 requests are waiting/);
    assert.match(page, /<td>4 visible, 0 in flight<\/td>/);
  });

  it('is measurements for Prometheus', async () => {
    const lines = (await get('/metrics', 'text/plain')).split('\n');
    const value = (name: string) =>
      Number(lines.find((line) => line.startsWith(`${name} `))?.slice(name.length));
    assert.equal(value('elastic_face_scaler_leads'), 1);
    assert.equal(value('elastic_face_scaler_launches_total'), 4);
    assert.equal(value('elastic_face_scaler_instances{state="running"}'), 4);
    assert.equal(value('elastic_face_scaler_instances{state="stopped"}'), 0);
    assert.equal(value('elastic_face_scaler_queue_messages{state="visible"}'), 4);
    assert.equal(value('elastic_face_scaler_pressure_requests'), 0);
    assert.ok(value('elastic_face_scaler_boot_seconds') > 0);
    assert.ok(value('elastic_face_scaler_service_seconds') > 0);
    assert.ok(value('elastic_face_scaler_arrivals_per_second') >= 0);
    assert.ok(value('elastic_face_scaler_decisions_total{kind="launch",cause="demand"}') >= 4);
    assert.equal(value('elastic_face_scaler_fleet_bound_instances{bound="largest"}'), 4);
    assert.equal(value('elastic_face_scaler_fleet_bound_instances{bound="warm_pool"}'), 0);
    assert.equal(value('elastic_face_scaler_readable{source="instances"}'), 1);
    assert.equal(value('elastic_face_scaler_workers{state="idle"}'), 4);
    assert.equal(value('elastic_face_scaler_workers{state="silent"}'), 0);
    const lookedAt = value('elastic_face_scaler_last_look_timestamp_seconds');
    assert.ok(Math.abs(Date.now() / 1000 - lookedAt) < 30);
    const refused = 'elastic_face_scaler_refusals_total{code="InsufficientInstanceCapacity"}';
    assert.ok(value(refused) >= 1);
    for (const line of lines) assert.match(line, /^(?:#.*|\w+(?:\{.*\})? \S+|)$/);
  });

  it('of a standby says that it stands by, and what it cannot know is no zero', async () => {
    const view: LoopView = {
      role: 'standby',
      now: Date.now(),
      seen: undefined,
      hasRival: false,
      closures: new Map(),
      backoff: undefined,
      tally: new Tally(),
      decisions: [],
    };
    const standby = await serveStatus(() => view, settings);
    const at = `http://127.0.0.1:${standby.port}`;
    const html = await fetch(at, { headers: { accept: 'text/html' } });
    assert.match(await html.text(), /This scaler stands by: another scaler leads/);
    assert.deepEqual(
      scalerStatusSchema.parse(await (await fetch(`${at}/status`)).json()).now,
      undefined,
    );
    const metrics = await (await fetch(`${at}/metrics`)).text();
    assert.match(metrics, /^elastic_face_scaler_leads 0$/m);
    assert.match(metrics, /^elastic_face_scaler_boot_seconds Nan$/im);
    assert.match(metrics, /^elastic_face_scaler_last_look_timestamp_seconds Nan$/im);
    assert.doesNotMatch(metrics, /^elastic_face_scaler_readable\{/m);
    await standby.close();
  });

  it('says that it stands by for a scaler with another Redis', async () => {
    const view = (): LoopView => ({ ...stage.loop.view(), role: 'standby', hasRival: true });
    const later = await serveStatus(view, settings);
    const at = `http://127.0.0.1:${later.port}`;
    const html = await (await fetch(at, { headers: { accept: 'text/html' } })).text();
    assert.match(html, /This scaler stands by: a scaler with another Redis leads this project/);
    const metrics = await (await fetch(`${at}/metrics`)).text();
    assert.match(metrics, /^elastic_face_scaler_rival 1$/m);
    await later.close();
  });

  it('says that launched instances die young', async () => {
    const until = Date.now() + 60_000;
    const backoff = { deaths: 20, failures: 3, since: until - 80_000, until, code: 'Client.X' };
    const sick = await serveStatus(() => ({ ...stage.loop.view(), backoff }), settings);
    const at = `http://127.0.0.1:${sick.port}`;
    const html = await (await fetch(at, { headers: { accept: 'text/html' } })).text();
    assert.match(html, /20 launched instances in a row ended before taking work/);
    const status = scalerStatusSchema.parse(await (await fetch(`${at}/status`)).json());
    assert.equal(status.youngDeaths, 20);
    assert.ok(status.closed.some(({ what, code }) => what === 'all' && code === 'Client.X'));
    const metrics = await (await fetch(`${at}/metrics`)).text();
    assert.match(metrics, /^elastic_face_scaler_young_deaths 20$/m);
    assert.match(metrics, /^elastic_face_scaler_closed_seconds\{what="all",code="Client.X"\} /m);
    await sick.close();
  });

  it('says by name which setting is wrong when the port is taken', async () => {
    await assert.rejects(
      serveStatus(stage.loop.view, { ...settings, SCALER_PORT: server.port }),
      (error) => error instanceof SettingsError && /Set SCALER_PORT/.test(error.message),
    );
  });
});
