import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { modelFiles } from '../model/format.ts';
import { ElasticFaceError } from '../runtime/errors.ts';
import { modelDirectory, peopleKnown } from '../test/model.fixture.ts';
import { ensureModel } from './ensure-model.ts';
import { readIntactManifest } from './write/model-folder.ts';

const program = join(import.meta.dirname, '..', 'elastic-face.ts');

function convert(...flags: string[]): Promise<{ code: unknown; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [program, 'convert', ...flags], (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, stdout, stderr }),
    );
  });
}

describe('elastic-face convert', { timeout: 300_000 }, () => {
  let root: string;
  let model: string;
  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'elastic-face-command-'));
    model = join(root, 'model');
    await cp(await modelDirectory(), model, { recursive: true });
  });
  after(() => rm(root, { recursive: true, force: true }));

  test('says in one line that nothing is to be done', async () => {
    const { code, stdout } = await convert('--out', model);
    assert.equal(code, 0);
    const people = await peopleKnown();
    const [line] = stdout.trim().split('\n').slice(-1);
    assert.equal(line, `${model} is up to date (${people} people): nothing to convert.`);
  });

  test('converts a damaged model again, with a line for each stage and one of summary', async () => {
    await truncate(join(model, modelFiles.graphModel), 99);
    const { code, stdout, stderr } = await convert('--out', model);
    assert.equal(code, 0);
    assert.match(stdout, /^Converted into .*: \d+ people, .*wasm off by \d\.\de-\d.*$/m);
    assert.match(stderr, /^Model: writing the model$/m);
    assert.ok(await readIntactManifest(model));
  });

  test('exits 1 with one sentence that names a file it cannot use', async () => {
    const gallery = join(root, 'data.pt');
    await writeFile(gallery, '<!doctype html>');
    const { code, stdout, stderr } = await convert('--out', model, '--gallery', gallery);
    assert.equal(code, 1);
    assert.equal(stdout, '');
    assert.ok(stderr.trim().split('\n').at(-1)?.includes(gallery), stderr);
    assert.ok(await readIntactManifest(model));
  });

  test('an intact model is enough for a start, without a word', async () => {
    const said: string[] = [];
    await ensureModel({ MODEL_DIR: model, FACE_CHECKPOINTS: undefined }, (line) => said.push(line));
    const checkpoints = join(root, 'other-checkpoints');
    await ensureModel({ MODEL_DIR: model, FACE_CHECKPOINTS: checkpoints }, (line) =>
      said.push(line),
    );
    assert.deepEqual(said, [], 'a gallery of one’s own survives a start, whatever else is named');
  });

  test('a start converts what is missing, says so, and passes a failure on', async () => {
    const said: string[] = [];
    const missing = join(root, 'fresh', 'model');
    await ensureModel({ MODEL_DIR: missing, FACE_CHECKPOINTS: undefined }, (line) =>
      said.push(line),
    );
    assert.ok(await readIntactManifest(missing));
    assert.ok(said.some((line) => line.startsWith('Converted into ')));
    await writeFile(join(root, 'file'), '');
    await assert.rejects(
      ensureModel(
        { MODEL_DIR: join(root, 'file', 'model'), FACE_CHECKPOINTS: undefined },
        () => {},
      ),
      (error) => error instanceof ElasticFaceError && error.message.includes(join(root, 'file')),
    );
  });
});
