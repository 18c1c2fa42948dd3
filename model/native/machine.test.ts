import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { cpuinfoHere, whyNoTensorflow } from './machine.ts';

const cpuinfo = (flags: string): string =>
  `processor\t: 0\nmodel name\t: a processor\nflags\t\t: ${flags}\nbugs\t\t: spectre_v1\n`;

test('a processor with AVX runs TensorFlow, also one that has nothing newer', () => {
  assert.equal(whyNoTensorflow(cpuinfo('fpu sse4_2 avx aes'), 'x64'), undefined);
});

test('one without AVX does not, and the reason names it', () => {
  for (const flags of ['fpu sse4_2 aes', 'fpu avx2 xavx avx_vnni', '']) {
    assert.match(whyNoTensorflow(cpuinfo(flags), 'x64') ?? '', /needs AVX, which this processor/);
  }
});

test('nothing is refused where the flags are unknown, or where they mean nothing', () => {
  assert.equal(whyNoTensorflow('', 'x64'), undefined);
  assert.equal(whyNoTensorflow('processor\t: 0\nFeatures\t: fp asimd\n', 'arm64'), undefined);
  assert.equal(whyNoTensorflow(cpuinfo('fpu'), 'arm64'), undefined);
});

test('loading looks first: on such a processor the library is never touched', () => {
  const program = `
    import fs, { readFileSync } from 'node:fs';
    import { syncBuiltinESMExports } from 'node:module';
    import process from 'node:process';
    fs.readFileSync = (path, ...rest) =>
      path === '/proc/cpuinfo' ? 'flags: fpu sse4_2' : readFileSync(path, ...rest);
    syncBuiltinESMExports();
    process.dlopen = () => process.kill(process.pid, 'SIGILL');
    const { loadAddon } = await import('${new URL('./load.ts', import.meta.url)}');
    try { loadAddon(1); } catch ({ code, message }) { console.log(code, message); }
  `;
  const { stdout, signal } = spawnSync(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      program
        .replace('fs.readFileSync =', 'const own = readFileSync; fs.readFileSync =')
        .replaceAll(': readFileSync(', ': own('),
    ],
    { encoding: 'utf8' },
  );
  assert.equal(signal, null);
  const expected = process.arch === 'x64' ? /^backend .*needs AVX/ : /./;
  assert.match(stdout, expected);
});

test('this machine has a text, where there is /proc', {
  skip: process.platform !== 'linux',
}, () => {
  assert.match(cpuinfoHere(), /processor/);
});
