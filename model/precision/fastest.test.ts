/** A real trial on this machine, and which starts make none. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { facenetMissing, modelDirectory } from '../../test/model.fixture.ts';
import { multipliesBfloat16 } from '../backend/processor.ts';
import { readManifest } from '../manifest.ts';
import { cpuinfoHere } from '../native/machine.ts';
import { trialOf } from './fastest.ts';

const program = `
  const { loadRecognizer } = await import('${new URL('../index.ts', import.meta.url)}');
  const recognizer = await loadRecognizer(process.argv[1], { precision: process.argv[2], backend: process.argv[3] });
  console.log(JSON.stringify([recognizer.precision, recognizer.precisionReason]));
`;

const cannotTry: false | string = multipliesBfloat16(cpuinfoHere())
  ? await facenetMissing()
  : 'this processor has no bfloat16 instructions';

describe('the precision that auto takes', { timeout: 180_000 }, () => {
  let folder: string;
  let directory: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'elastic-face-fastest-'));
    directory = await modelDirectory();
  });
  after(() => rm(folder, { recursive: true }));

  /** In a process whose oneDNN has another set of instructions than at the conversion. */
  async function loaded(cache: string, precision: string, backend = 'auto') {
    const child = spawn(
      process.execPath,
      ['--input-type=module', '-e', program, directory, precision, backend],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
        env: { ...process.env, XDG_CACHE_HOME: cache, ONEDNN_MAX_CPU_ISA: 'AVX512_CORE_VNNI' },
      },
    );
    const [said] = await Promise.all([text(child.stdout), once(child, 'exit')]);
    const [taken, reason] = JSON.parse(said) as [string, string];
    const kept = await readdir(join(cache, 'elastic-face', 'trials')).catch(() => []);
    return { taken, reason, kept: kept.filter((file) => file.endsWith('.json')) };
  }

  it('is measured with the kernels that run here, as at a conversion', {
    skip: cannotTry,
  }, async () => {
    const { secondLooks } = await readManifest(directory);
    const { machine, float32, own, ownBfloat16, amx } = trialOf(directory, 1);
    assert.ok(float32 > 0);
    // None where the addon was not compiled.
    const run = machine.own.split(' ');
    assert.equal(own !== null, run.includes('float32'));
    assert.equal(ownBfloat16 !== null, run.includes('bfloat16'));
    assert.equal(amx !== null, run.includes('amx'));
    for (const time of [own, ownBfloat16, amx]) assert.ok(time === null || time > 0);
    assert.ok(secondLooks !== undefined && secondLooks > 0.02 && secondLooks < 0.6);
  });

  it('is measured once where several start together on another processor', {
    skip: cannotTry,
  }, async () => {
    const cache = join(folder, 'together');
    const starts = await Promise.all([1, 2, 3].map(() => loaded(cache, 'auto')));
    const [first] = starts as [(typeof starts)[0]];
    assert.match(first.reason, /^measured: /);
    assert.deepEqual(new Set(starts.map(({ reason }) => reason)).size, 1);
    assert.equal(Math.max(...starts.map(({ kept }) => kept.length)), 1);
    // Without its instructions bfloat16 takes three times as long.
    assert.equal(first.taken, 'float32');
  });

  it('is not measured where it is set, or wasm computes', async () => {
    const cache = join(folder, 'set');
    assert.deepEqual(await loaded(cache, 'float32'), {
      taken: 'float32',
      reason: 'as set',
      kept: [],
    });
    const wasm = await loaded(cache, 'auto', 'wasm');
    assert.deepEqual([wasm.taken, wasm.kept], ['float32', []]);
    assert.match(wasm.reason, /wasm/);
  });
});
