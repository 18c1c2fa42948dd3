import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';
import { CLOCK_VARIABLE } from './shifted-clock.ts';
import { STILLBIRTH_VARIABLE } from './stillbirth.ts';

const HOUR_MS = 3_600_000;

describe('what is preloaded into services', { timeout: 30_000 }, () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'elastic-face-preload-'));
  });
  after(() => rm(folder, { recursive: true }));
  const preload = (name: string) => ['--import', new URL(name, import.meta.url).href];

  it('shifts a process’s dates ahead and behind while it runs, in every way to ask for them', async () => {
    const file = join(folder, 'clock');
    const program =
      'setInterval(() => console.log(Date.now(), +new Date(), Date.parse(Date()), +new Date(0), new Date() instanceof Date), 50)';
    const child = spawn(process.execPath, [...preload('./shifted-clock.ts'), '-e', program], {
      env: { [CLOCK_VARIABLE]: file },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    for (const shiftMs of [0, HOUR_MS, -HOUR_MS, 0]) {
      await writeFile(file, String(shiftMs));
      for (;;) {
        const [now, made, text, epoch, isDate] = String((await lines.next()).value).split(' ');
        assert.deepEqual([epoch, isDate], ['0', 'true']);
        const isShifted = (time: string | undefined): boolean =>
          Math.abs(Number(time) - Date.now() - shiftMs) < 60_000;
        if ([now, made, text].every(isShifted)) break;
      }
    }
    child.kill();
    await once(child, 'exit');
  });

  it('ends an instance at its start while the file is there, and not what the instance starts', async () => {
    const file = join(folder, 'stillbirth');
    const flags = preload('./stillbirth.ts');
    const program = `process.exitCode = process.env.${STILLBIRTH_VARIABLE} ?? process.env.NODE_OPTIONS ?? 0`;
    const env = { [STILLBIRTH_VARIABLE]: file, NODE_OPTIONS: flags.join(' ') };
    const run = () => spawnSync(process.execPath, ['-e', program], { env }).status;
    assert.equal(run(), 0);
    await writeFile(file, '');
    assert.equal(run(), 1);
    await rm(file);
    assert.equal(run(), 0);
  });
});
