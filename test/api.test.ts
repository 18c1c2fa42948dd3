/** The API as its clients see it: every line of docs/api.md, and the description under schemathesis. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { modelDirectory } from './model.fixture.ts';
import { courseMissing, knownPhotos } from './photos.fixture.ts';
import { type StartedSystem, startSystem } from './start.fixture.ts';

/** schemathesis is given so long for its calls; its checks and its end come on top. */
const SCHEMATHESIS_SECONDS = Number(process.env.SCHEMATHESIS_SECONDS ?? 20);
/** The same calls for every change; another seed makes others. */
const SCHEMATHESIS_SEED = process.env.SCHEMATHESIS_SEED ?? '1';

interface Ran {
  readonly code: number | null;
  readonly said: string;
}

function run(command: string, args: readonly string[], folder: string): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        said += chunk;
      });
    }
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, said }));
  });
}

const isInstalled = (command: string): Promise<boolean> =>
  run(command, ['--version'], '.').then(
    ({ code }) => code === 0,
    () => false,
  );

describe('the API of a whole system', { timeout: 1000 * (SCHEMATHESIS_SECONDS + 355) }, () => {
  let folder: string;
  let system: StartedSystem;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'elastic-face-api-'));
    const { images } = await knownPhotos();
    for (const name of ['test_000.jpg', 'test_001.jpg']) {
      await copyFile(join(images, name), join(folder, name));
    }
    await writeFile(join(folder, 'wall.txt'), 'no photo');
    system = await startSystem({
      PROJECT_ID: 'api-test',
      LOCAL_DATA_DIR: join(folder, 'data'),
      MODEL_DIR: await modelDirectory(),
      MAX_INSTANCES: '1',
      REDIS_URL: '',
      AWS_ENDPOINT_URL: '',
    });
  });
  after(async () => {
    await system.stop();
    await rm(folder, { recursive: true });
  });

  it('every block of the page of the API says what the page says that it says', async (test) => {
    const missing = await courseMissing();
    if (missing) return test.skip(missing);
    const page = await readFile(new URL('../docs/api.md', import.meta.url), 'utf8');
    const blocks = [...page.matchAll(/```sh\n([^`]*)```/g)].map(([, block = '']) => block);
    assert.ok(blocks.length > 0);
    for (const block of blocks) {
      const script = block.replaceAll('http://127.0.0.1:8000/', system.url);
      const { code, said } = await run('bash', ['-euc', script], folder);
      assert.equal(code, 0, `${script}${said}`);
      const expected = [...script.matchAll(/^# (.*)$/gm)].map(([, line = '']) => line);
      assert.ok(expected.length > 0, script);
      for (const line of expected) assert.ok(said.includes(line), `${script}\n${line}\n${said}`);
    }
  });

  it('schemathesis finds nothing that the description does not say', async (test) => {
    if (!(await isInstalled('schemathesis'))) return test.skip('schemathesis is not installed');
    const hooks = new URL('./schemathesis', import.meta.url).pathname;
    await writeFile(
      join(folder, 'schemathesis.toml'),
      await readFile(join(hooks, 'schemathesis.toml'), 'utf8'),
    );
    await copyFile(join(hooks, 'hooks.py'), join(folder, 'hooks.py'));
    const { code, said } = await run(
      'schemathesis',
      [
        'run',
        `${system.url}openapi.json`,
        '--max-time',
        String(SCHEMATHESIS_SECONDS),
        '--seed',
        SCHEMATHESIS_SEED,
        '--request-timeout',
        '60',
      ],
      folder,
    );
    assert.equal(code, 0, said);
  });
});
