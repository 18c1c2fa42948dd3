import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { cp, mkdtemp, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { facenetMissing, modelDirectory } from '../../test/model.fixture.ts';
import { facenetShape, faceValues } from '../encoder.fixture.ts';
import { BackendError, ModelError } from '../errors.ts';
import { modelFiles } from '../format.ts';
import type { Networks } from '../networks.ts';
import { openNetworks } from './open-networks.ts';

const noFacenet = await facenetMissing();

describe('opening a model', { timeout: 120_000 }, () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'elastic-face-backend-'));
  });
  after(() => rm(folder, { recursive: true }));

  for (const backend of ['tensorflow', 'wasm'] as const) {
    it(`${backend}: a folder without a model is an error that says what to do`, async () => {
      await assert.rejects(
        openNetworks(folder, { backend }),
        (error) => error instanceof ModelError && /npm run convert/.test(error.message),
      );
    });

    it(`${backend}: a damaged model is an error that says what to do`, async () => {
      const directory = join(folder, backend);
      await cp(await modelDirectory(), directory, { recursive: true });
      const { detection, detectionOneDnn, graphModel } = modelFiles;
      for (const file of [detection, detectionOneDnn, graphModel]) {
        await truncate(join(directory, file), 1000);
      }
      await assert.rejects(
        openNetworks(directory, { backend }),
        (error) =>
          error instanceof ModelError && /convert (?:it|the model) again/.test(error.message),
      );
    });
  }

  it('tensorflow: a network that is loaded later is that of the model that was opened', {
    skip: noFacenet,
  }, async (context) => {
    const directory = join(folder, 'replaced');
    await cp(await modelDirectory(), directory, { recursive: true });
    const face = Float32Array.from({ length: faceValues(facenetShape) }, (_, at) => Math.sin(at));
    const open = () => openNetworks(directory, { backend: 'tensorflow', precision: 'bfloat16' });
    let networks: Networks;
    try {
      networks = await open();
    } catch (error) {
      if (error instanceof BackendError) return context.skip(error.message);
      throw error;
    }
    const before = networks.embed(face, 1, 'float32');
    networks.dispose();
    networks = await open();
    try {
      const weights = join(directory, modelFiles.encoderWeights);
      await rename(weights, `${weights}.old`);
      await writeFile(weights, new Uint8Array(100e6));
      assert.deepEqual(networks.embed(face, 1, 'float32'), before);
    } finally {
      networks.dispose();
    }
  });

  it('tensorflow: weights that were cut short are an error, not a crash', async (context) => {
    const directory = join(folder, 'short');
    await cp(await modelDirectory(), directory, { recursive: true });
    const files = [modelFiles.encoderWeights, modelFiles.bfloat16Weights];
    for (const file of files.filter((one) => existsSync(join(directory, one)))) {
      await truncate(join(directory, file), 4096);
    }
    try {
      const networks = await openNetworks(directory, { backend: 'tensorflow' });
      networks.dispose();
      assert.fail('It opened.');
    } catch (error) {
      if (error instanceof BackendError) return context.skip(error.message);
      assert.ok(error instanceof ModelError, String(error));
      assert.match(error.message, /convert the model again/);
    }
  });

  it('tensorflow: without a temporary folder says which setting names one', async (context) => {
    const { TMPDIR } = process.env;
    process.env.TMPDIR = join(folder, 'missing');
    try {
      const networks = await openNetworks(await modelDirectory(), { backend: 'tensorflow' });
      networks.dispose();
      assert.fail('It opened.');
    } catch (error) {
      if (error instanceof BackendError) return context.skip(error.message);
      assert.ok(error instanceof ModelError && /set TMPDIR/.test(error.message), String(error));
    } finally {
      if (TMPDIR === undefined) delete process.env.TMPDIR;
      else process.env.TMPDIR = TMPDIR;
    }
  });

  it('oneDNN’s operations and TensorFlow’s own give the same answers', async (context) => {
    const { spawnSync } = await import('node:child_process');
    const program = `
      const { openNetworks } = await import('${new URL('./open-networks.ts', import.meta.url)}');
      const { answersOf } = await import('${new URL('../../convert/self-test/reference.ts', import.meta.url)}');
      const networks = await openNetworks(process.argv[1], { backend: 'tensorflow' });
      const { pnet, rnet, onet, encoder } = answersOf(networks);
      const blocks = Float32Array.from({ length: 37 * 37 * 14 }, (_, at) => (at % 14 < 12 ? Math.sin(at) : 0));
      const { cells } = networks.proposeBlocks(blocks, 37, 37);
      const values = [cells, pnet.regression, rnet.probability, onet.landmarks, encoder.embedding];
      console.log(JSON.stringify(values.flatMap((some) => [...some])));
    `;
    const directory = await modelDirectory();
    const [own, oneDnn] = ['0', '1'].map((TF_ENABLE_ONEDNN_OPTS) =>
      spawnSync(process.execPath, ['--input-type=module', '-e', program, directory], {
        encoding: 'utf8',
        env: { ...process.env, TF_ENABLE_ONEDNN_OPTS },
      }),
    );
    if (/npm run setup-native/.test(own!.stderr)) return context.skip(own!.stderr);
    const values = [own, oneDnn].map((run) => JSON.parse(run!.stdout) as number[]);
    assert.ok(values[0]!.length > 1000);
    for (const [at, value] of values[0]!.entries()) {
      assert.ok(Math.abs(value - values[1]![at]!) < 1e-4, `${value} and ${values[1]![at]}`);
    }
  });

  it('auto falls back to wasm with one line when the native library does not load', async () => {
    const { spawnSync } = await import('node:child_process');
    const program = `
      import Module from 'node:module';
      const load = Module._load;
      Module._load = (name, ...rest) => {
        if (name.endsWith('tfjs_binding.node')) throw new Error('libtensorflow.so.2: cannot open');
        return load(name, ...rest);
      };
      const { openNetworks } = await import('${new URL('./open-networks.ts', import.meta.url)}');
      const networks = await openNetworks(process.argv[1], { onFallback: (line) => console.log(line) });
      console.log(networks.backend);
      await openNetworks(process.argv[1], { backend: 'tensorflow' }).catch((error) => console.log(error.code));
    `;
    const { stdout } = spawnSync(
      process.execPath,
      ['--input-type=module', '-e', program, await modelDirectory()],
      { encoding: 'utf8' },
    );
    const [line = '', backend, refused] = stdout.trim().split('\n');
    assert.match(line, /^The wasm backend takes over\. .*cannot open.*setup-native/);
    assert.deepEqual([backend, refused], ['wasm', 'backend']);
  });
});
