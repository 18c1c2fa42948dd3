import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { pino } from 'pino';
import { until } from '../../test/condition.fixture.ts';
import { readServiceSettings, type ScalerSettings, type SettingsInput } from '../settings.ts';
import { type Following, followSettings } from './follow-settings.ts';

describe('settings that change while a service runs', { timeout: 20_000 }, () => {
  let values: SettingsInput | Error = {};
  let reads = 0;
  let said: string[] = [];
  let applied: ScalerSettings[] = [];
  let failing = false;
  let following: Following | undefined;
  const log = pino(
    { level: 'info' },
    { write: (line: string) => said.push((JSON.parse(line) as { msg: string }).msg) },
  );
  const parse = (given: SettingsInput) => readServiceSettings('scaler', {}, given);
  const follow = (): void => {
    [values, reads, said, applied, failing] = [{}, 0, [], [], false];
    following = followSettings({
      source: {
        readAtStart: async () => ({}),
        async read() {
          reads += 1;
          if (values instanceof Error) throw values;
          return values;
        },
        close() {},
      },
      current: parse({}),
      parse,
      async apply(settings) {
        if (failing) throw new Error('no port');
        applied.push(settings);
      },
      log,
      pollMs: 5,
    });
  };
  const looks = async (): Promise<void> => {
    const from = reads;
    await until('looks', () => reads > from + 2);
  };
  afterEach(() => following?.stop());

  it('are applied once, when they concern this service', async () => {
    follow();
    await looks();
    values = { PORT: '9000' };
    await looks();
    assert.deepEqual(applied, [], 'a setting of the web tier');
    values = { MAX_INSTANCES: '50' };
    await until('the change', () => applied.length > 0);
    await looks();
    assert.deepEqual(
      applied.map(({ MAX_INSTANCES }) => MAX_INSTANCES),
      [50],
    );
  });

  it('stay as they are while the new ones are wrong, which is said once', async () => {
    follow();
    values = { MAX_INSTANCES: 'many' };
    await looks();
    await looks();
    assert.deepEqual(applied, []);
    assert.equal(said.filter((one) => /changed settings are wrong/.test(one)).length, 1);
    values = { MAX_INSTANCES: '7' };
    await until('the correction', () => applied.length === 1);
  });

  it('are tried again while the service cannot start with them', async () => {
    follow();
    failing = true;
    values = { MAX_INSTANCES: '8' };
    await until('an error', () => said.some((one) => /trying again/.test(one)));
    failing = false;
    await until('the change', () => applied[0]?.MAX_INSTANCES === 8);
  });

  it('stay as they are while the source cannot be read', async () => {
    follow();
    values = new Error('away');
    await looks();
    values = { MAX_INSTANCES: '9' };
    await until('the change', () => applied[0]?.MAX_INSTANCES === 9);
    assert.equal(said.filter((one) => /Cannot look/.test(one)).length, 1);
  });
});
