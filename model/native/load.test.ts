/** Loading TensorFlow's library on another thread: in processes of their own, as it stays loaded. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { platform } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { addonFile, ownAddons, tfjsNodeFolder } from './paths.ts';

const files = [addonFile, ownAddons.pages.file];
const missing =
  platform() === 'linux' && files.every((file) => existsSync(join(tfjsNodeFolder, file)))
    ? false
    : 'TensorFlow or the addon that loads it is not set up';

const LIBRARY = 'libtensorflow_cc';

async function output(program: string, environment: NodeJS.ProcessEnv = {}): Promise<string> {
  const module = JSON.stringify(new URL('./load.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--input-type=module', '-e', `const load = await import(${module});${program}`],
    { env: { ...process.env, ...environment } },
  );
  return stdout.trim();
}

describe('TensorFlow’s library', { skip: missing, timeout: 60_000 }, () => {
  it('is loaded on another thread, and computes', async () => {
    const said = await output(`
      const { readFileSync } = await import('node:fs');
      const isThere = () => readFileSync('/proc/self/maps', 'utf8').includes('${LIBRARY}');
      load.beginLoading();
      const { setTimeout: delay } = await import('node:timers/promises');
      while (!isThere()) await delay(5);
      const addon = load.loadAddon(1);
      const one = addon.createTensor([1], addon.TF_FLOAT, Float32Array.of(4));
      console.log(addon.tensorDataSync(one)[0]);
    `);
    assert.equal(said, '4');
  });

  it('leaves a process that ends meanwhile its exit code', async () => {
    await assert.rejects(output('load.beginLoading(); process.exit(7);'), { code: 7 });
  });

  it('is told whether the user set oneDNN, not what loading sets', async () => {
    const said = async (setting: string | undefined) =>
      output(
        `load.beginLoading();
         const { userOneDnnSetting } = load;
         console.log(userOneDnnSetting, process.env.TF_ENABLE_ONEDNN_OPTS);`,
        { TF_ENABLE_ONEDNN_OPTS: setting },
      );
    assert.equal(await said(undefined), 'undefined 0');
    assert.equal(await said('1'), '1 1');
  });
});
