/** Own addons that cannot be loaded. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { loadAddonAt } from './own-addons.ts';

describe('an own addon', () => {
  const folder = mkdtempSync(join(tmpdir(), 'elastic-face-addon-'));
  after(() => rmSync(folder, { recursive: true }));

  it('that was not compiled is not there', () => {
    assert.equal(loadAddonAt(join(folder, 'absent.node')), undefined);
  });

  it('of another system is not there either, which a warning says once', async () => {
    const path = join(folder, 'foreign.node');
    writeFileSync(path, 'no library of this system');
    const warnings: string[] = [];
    process.on('warning', ({ message }) => warnings.push(message));
    const told = once(process, 'warning');
    assert.equal(loadAddonAt(path), undefined);
    assert.equal(loadAddonAt(path), undefined);
    await told;
    assert.equal(warnings.length, 1);
    assert.ok(warnings[0]?.includes(path) && warnings[0].includes('setup-native'), warnings[0]);
  });
});
