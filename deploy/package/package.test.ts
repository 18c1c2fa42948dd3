/** What a consumer gets of `npm pack`: docs/library.md, done as it says. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { fileOf } from '../../model/decode/scene.fixture.ts';
import { loadRecognizer } from '../../model/index.ts';
import { packageFolder } from '../../runtime/installation.ts';
import { modelDirectory } from '../../test/model.fixture.ts';
import { startSystem } from '../../test/start.fixture.ts';
import { Consumer } from './installed.fixture.ts';

const BYTES_AT_MOST = 1e6;

describe('the package in a consumer’s empty folder', { timeout: 400_000 }, () => {
  let installed: Consumer | string = 'it was not installed';
  let model: string;
  let photo: string;
  /** What this checkout calls the largest face. */
  let name: string;

  before(async () => {
    installed = await Consumer.install();
    if (typeof installed === 'string') return;
    model = await modelDirectory();
    process.env.MODEL_DIR = model;
    photo = (await installed.run('npx', 'elastic-face', 'photo')).out.trim();
    const recognizer = await loadRecognizer(model);
    const { faces } = await recognizer.recognize(await readFile(photo));
    name = faces[0]!.nearest[0]!.name;
    recognizer.dispose();
  });
  after(async () => {
    if (typeof installed !== 'string') await installed.remove();
  });

  const test = (sentence: string, body: (consumer: Consumer) => Promise<void>) =>
    it(sentence, async (context: TestContext) => {
      if (typeof installed === 'string') context.skip(installed);
      else await body(installed);
    });

  test('is small and leaves the checkout’s package.json as it was', async ({ tarball }) => {
    assert.ok((await stat(tarball)).size < BYTES_AT_MOST);
    const copy = await readFile(join(tarball, '../checkout/package.json'), 'utf8');
    assert.equal(copy, await readFile(join(packageFolder, 'package.json'), 'utf8'));
  });

  test('docs/library.md’s example compiles under strict and recognises a photo', async (consumer) => {
    const page = await readFile(join(packageFolder, 'docs/library.md'), 'utf8');
    const [, example = ''] = /```ts\n([\s\S]*?)```/.exec(page) ?? [];
    const wrong =
      "// @ts-expect-error: there is no such backend\nawait loadRecognizer('', { backend: 'torch' });";
    await writeFile(join(consumer.folder, 'example.ts'), example);
    await writeFile(
      join(consumer.folder, 'wrong.ts'),
      `import { loadRecognizer } from 'elastic-face';\n${wrong}\n`,
    );
    const compilerOptions = {
      ...{ strict: true, skipLibCheck: false, exactOptionalPropertyTypes: true },
      ...{ module: 'nodenext', target: 'es2022', noEmit: true, types: ['node'] },
      typeRoots: [join(packageFolder, 'node_modules/@types')],
    };
    const project = JSON.stringify({ compilerOptions, files: ['example.ts', 'wrong.ts'] });
    await writeFile(join(consumer.folder, 'tsconfig.json'), project);
    const compiled = await consumer.run(join(packageFolder, 'node_modules/.bin/tsc'), '-p', '.');
    assert.equal(compiled.out, '');
    const { out, err, code } = await consumer.run(process.execPath, 'example.ts', photo);
    assert.equal(code, 0, err);
    assert.ok(out.includes(name), out);
  });

  test('its command has a help for each of its commands, and this project’s version', async (consumer) => {
    const { out } = await consumer.run('npx', 'elastic-face', '--help');
    const commands = [...out.matchAll(/^ {2}elastic-face ([\w-]+)/gm)].map(
      ([, command]) => command!,
    );
    assert.ok(commands.includes('start') && !commands.includes('bench'), out);
    for (const command of commands) {
      const help = await consumer.run(process.execPath, consumer.program, command, '--help');
      assert.equal(help.code, 0, help.err);
    }
    const { version } = JSON.parse(await readFile(join(packageFolder, 'package.json'), 'utf8'));
    assert.equal((await consumer.run('npx', 'elastic-face', '--version')).out.trim(), version);
  });

  test('its command starts all services, which answer a photo and send the page', async (consumer) => {
    const data = { LOCAL_DATA_DIR: join(consumer.folder, 'data'), MODEL_DIR: model };
    const system = await startSystem(data, consumer.program);
    try {
      const form = new FormData();
      form.append('inputFile', new Blob([await readFile(photo)]), basename(photo));
      const answer = await fetch(system.url, { method: 'POST', body: form });
      assert.equal(await answer.text(), `${basename(photo, '.jpg')}:${name}`);
      const page = await fetch(system.url, { headers: { Accept: 'text/html' } });
      const [script] = /page\/[^"]+\/main\.ts/.exec(await page.text()) ?? [];
      const { headers } = await fetch(new URL(script!, system.url));
      assert.match(headers.get('content-type') ?? '', /javascript/);
    } finally {
      assert.equal(await system.stop(), 0, system.said());
    }
  });

  test('its command decodes a HEIC, and without libheif-js says why it does not', async (consumer) => {
    const file = join(consumer.folder, 'photo.heic');
    await writeFile(file, fileOf('a HEIC'));
    const read = await consumer.run('npx', 'elastic-face', 'recognize', file);
    assert.match(read.out + read.err, /no face/i);
    await rm(join(consumer.folder, 'node_modules/libheif-js'), { recursive: true });
    const refused = await consumer.run('npx', 'elastic-face', 'recognize', file, photo);
    assert.match(refused.err + refused.out, /the package libheif-js is not installed/);
    assert.ok(refused.out.includes(`${basename(photo, '.jpg')}:${name}`), refused.out);
  });

  test('without its engine says how to set it up, answers on wasm, and sets it up', async (consumer) => {
    const engine = join(consumer.folder, 'node_modules/elastic-face/dist/tfjs-node/lib');
    const wasSetUp = existsSync(engine);
    await rm(engine, { recursive: true, force: true });
    const { out, err } = await consumer.run('npx', 'elastic-face', 'recognize', photo);
    assert.match(err, /wasm backend takes over.*`npx elastic-face setup-native`/);
    assert.equal(out.trim(), `${basename(photo, '.jpg')}:${name}`);
    if (!wasSetUp) return;
    const again = await consumer.run('npx', 'elastic-face', 'setup-native');
    assert.match(again.err, /native library is ready/);
    const native = await consumer.run('npx', 'elastic-face', 'recognize', photo);
    assert.deepEqual([native.out, native.err], [out, '']);
  });
});
