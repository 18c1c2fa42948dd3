/**
 * Every command of the documentation, in the order of its page: run against one system started for all
 * of them, or run by a test that is named, or with the reason why it cannot be run here.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { z } from 'zod';
import { parityPhotoPath, sharedMissing } from '../../model/shared.fixture.ts';
import { folders } from '../../runtime/folders.ts';
import { modelDirectory } from '../model.fixture.ts';
import { courseMissing, knownPhotos } from '../photos.fixture.ts';
import { type StartedSystem, startSystem } from '../start.fixture.ts';
import {
  CHECKOUT,
  type Command,
  commandsIn,
  commandsOf,
  documentation,
} from './markdown.fixture.ts';
import { wayOf } from './ways.fixture.ts';

const run = promisify(execFile);
const COMMAND_MS = 120_000;

const noCourse = await courseMissing();

describe('the documentation’s commands', { timeout: 600_000 }, async () => {
  let root: string;
  /** Links to all of the checkout: what commands write stays here. */
  let folder: string;
  let home: string;
  let system: StartedSystem;
  /** Of a photo that was answered. */
  let request: string;

  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'elastic-face-docs-'));
    folder = join(root, 'elastic-face');
    home = join(root, 'home');
    await mkdir(folder);
    for (const name of await readdir(CHECKOUT)) {
      await symlink(join(CHECKOUT, name), join(folder, name));
    }
    await cp(await modelDirectory(), join(home, '.local/share/elastic-face/model'), {
      recursive: true,
    });
    if (!sharedMissing) await makePeople(home);
    system = await startSystem({
      MODEL_DIR: await modelDirectory(),
      LOCAL_DATA_DIR: join(root, 'data'),
    });
    request = await postPhoto(system.url);
  });
  after(async () => {
    await system?.stop();
    await rm(root, { recursive: true, force: true });
  });

  /** The line as a reader's shell runs it, but for the ports, the home and the id of a request. */
  async function runLine(line: string, exports: readonly string[]): Promise<string> {
    const here = [...exports, line]
      .join('\n')
      .replaceAll('http://127.0.0.1:8000/', system.url)
      .replaceAll('http://127.0.0.1:4566', system.cloudUrl)
      .replaceAll(/\b0b9d3f0e\b/g, request.slice(0, 8));
    const { stdout } = await run('bash', ['-euo', 'pipefail', '-c', here], {
      cwd: folder,
      timeout: COMMAND_MS,
      env: {
        ...process.env,
        HOME: home,
        // Whatever a command does not name itself, it finds here and nowhere else.
        AWS_ENDPOINT_URL: system.cloudUrl,
        AWS_ACCESS_KEY_ID: 'local',
        AWS_SECRET_ACCESS_KEY: 'local',
        REDIS_URL: /redis:\S+/.exec(system.said())?.[0],
        LOCAL_DATA_DIR: join(root, 'data'),
        MODEL_DIR: join(home, '.local/share/elastic-face/model'),
        XDG_DATA_HOME: join(home, '.local/share'),
        // Of the real home, where the model data was downloaded to.
        XDG_CACHE_HOME: dirname(folders.cache),
      },
    });
    return stdout;
  }

  for (const page of await documentation()) {
    const commands = commandsOf(page);
    if (commands.length === 0) continue;
    describe(page.path, () => {
      const exports: string[] = [];
      for (const { line, prints } of commands) {
        it(line, async (t) => {
          const way = wayOf(line);
          assert.ok(way, 'This command is new: say in ways.fixture.ts how it is tried.');
          if ('by' in way) {
            const test = await readFile(join(CHECKOUT, way.by), 'utf8');
            assert.ok(test.includes(page.path), `${way.by} does not read ${page.path}`);
          } else if ('not' in way) {
            const [test] = /\S+\.test\.ts/.exec(way.not) ?? [];
            if (test !== undefined) assert.ok(existsSync(join(CHECKOUT, test)), test);
            way.check?.(line, folder);
          } else if (line.startsWith('export ')) {
            exports.push(line);
          } else if (sharedMissing && line.includes('~/')) {
            t.skip(sharedMissing);
          } else if (noCourse && line.includes('npm run -s photo')) {
            // Another photo, so another name: test/registry-only.sh tries it.
            t.skip(noCourse);
          } else {
            assertPrints(await runLine(line, exports), prints);
          }
        });
      }
    });
  }
});

it('a command’s comment is what it prints, with … for anything', () => {
  const block = 'npm ci && npm start # first\ncurl \\\n  -f x\n# test_000:Paul\n# {"a":…,"c":3';
  const commands: Command[] = [
    { line: 'npm ci', prints: [] },
    { line: 'npm start', prints: [] },
    { line: 'curl -f x', prints: ['test_000:Paul', '{"a":…,"c":3'] },
  ];
  assert.deepEqual(commandsIn(block), commands);
  assertPrints('test_000:Paul\n{"a":1,"b":2,"c":3}\n', commands[2]!.prints);
  assert.throws(() => assertPrints('test_000:Pauline', ['test_000:Paula']));
  assert.throws(() => assertPrints('{"c":3,"a":1}', commands[2]!.prints));
});

function assertPrints(stdout: string, prints: readonly string[]): void {
  for (const expected of prints) {
    let from = 0;
    for (const piece of expected.split('…')) {
      const at = stdout.indexOf(piece, from);
      assert.ok(at >= 0, `It was to print ${expected}, and printed:\n${stdout}`);
      from = at + piece.length;
    }
  }
}

/** @returns its request id */
async function postPhoto(url: string): Promise<string> {
  const { images } = await knownPhotos();
  const form = new FormData();
  form.append(
    'inputFile',
    new Blob([await readFile(join(images, 'test_001.jpg'))]),
    'test_001.jpg',
  );
  const answer = await fetch(url, { method: 'POST', body: form });
  assert.equal(answer.status, 200, await answer.text());
  return z.uuid().parse(answer.headers.get('x-request-id'));
}

/** What docs/enrol.md speaks of: a photo of four people each, and one of them in another photo. */
async function makePeople(home: string): Promise<void> {
  const people = {
    'Angelina Jolie': 'angelina_jolie',
    'Kate Siegel': 'kate_siegel',
    'Paul Rudd': 'paul_rudd',
    'Shea Whigham': 'shea_whigham',
  };
  for (const [person, photo] of Object.entries(people)) {
    await cp(parityPhotoPath(`${photo}.jpg`), join(home, 'people', person, '1.jpg'));
  }
  await mkdir(join(home, 'new-photos'));
  await sharp(parityPhotoPath('multiface.jpg'))
    .extract({ left: 340, top: 80, width: 240, height: 220 })
    .toFile(join(home, 'new-photos/paul.jpg'));
}
