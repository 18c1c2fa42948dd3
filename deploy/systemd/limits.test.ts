import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { EXIT } from '../../runtime/process/exit.ts';
import { readSettings } from '../../runtime/settings.ts';
import { SILENT_MS } from '../../scaler/decide/health.ts';
import { START_LIMIT_MS } from '../../worker/inference/inference.ts';

/** A restarted worker's time from its start to its first lease, with a margin for a slow machine. */
const FIRST_LEASE_MS = 10_000;

/** The lines of a unit, the last of a name where it stands more than once. */
function readUnit(name: string): ReadonlyMap<string, string> {
  const text = readFileSync(join(import.meta.dirname, `elastic-face-${name}.service`), 'utf8');
  return new Map(
    [...text.matchAll(/^(\w+)=(.*)$/gm)].map(([, key = '', value = '']) => [key, value]),
  );
}

const seconds = (unit: ReadonlyMap<string, string>, name: string): number =>
  Number(unit.get(name)) * 1000;

describe('the units', () => {
  it('let the worker and then the scaler judge a slow start before systemd does', () => {
    const worker = readUnit('worker');
    const start = seconds(worker, 'TimeoutStartSec');
    assert.ok(start > START_LIMIT_MS, 'inference has its own limit');
    assert.ok(start < readSettings({}, {}).BOOT_SECONDS * 1000, 'the scaler replaces it later');
  });

  it('count starts that time out as failures of the same machine', () => {
    const worker = readUnit('worker');
    const longest = seconds(worker, 'TimeoutStartSec') + seconds(worker, 'RestartSec');
    const burst = Number(worker.get('StartLimitBurst'));
    assert.ok(seconds(worker, 'StartLimitIntervalSec') > burst * longest);
  });

  it('restart a hung worker before the scaler gives its instance up', () => {
    const worker = readUnit('worker');
    const restarted = seconds(worker, 'WatchdogSec') + seconds(worker, 'RestartSec');
    assert.ok(restarted + FIRST_LEASE_MS < SILENT_MS);
  });

  for (const name of ['worker', 'web', 'scaler']) {
    it(`end a hung ${name} at once, though it takes no signals any more`, () => {
      // SIGABRT, the default, waits in a stopped process until TimeoutAbortSec is over.
      assert.equal(readUnit(name).get('WatchdogSignal'), 'SIGKILL');
    });

    it(`do not start a ${name} again whose settings are wrong`, () => {
      const codes = readUnit(name).get('RestartPreventExitStatus')?.split(' ');
      assert.ok(codes?.includes(String(EXIT.usage)));
    });

    it(`give the ${name} folders that can be written, for compiled sources among others`, () => {
      const unit = readUnit(name);
      assert.equal(unit.get('ProtectSystem'), 'strict');
      assert.equal(unit.get('CacheDirectory'), 'elastic-face');
      assert.equal(unit.get('StateDirectory'), 'elastic-face');
      const environment = unit.get('Environment')?.split(' ') ?? [];
      assert.ok(environment.includes('XDG_CACHE_HOME=/var/cache'));
      assert.ok(environment.includes('XDG_DATA_HOME=/var/lib'));
    });
  }
});
