import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';

/** Run in a copy of the project with nothing but this entry, in a folder whose name has a space. */
describe("the npm scripts' entry", { timeout: 60_000 }, () => {
  let root: string;
  let project: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'elastic-face-launch-'));
    project = join(root, 'a folder');
    await mkdir(project);
    await cp(new URL('../launch.js', import.meta.url), join(project, 'launch.js'));
    await writeFile(join(project, 'package.json'), '{ "type": "module" }');
    await writeFile(join(project, 'elastic-face.ts'), 'console.log("started" as string);');
  });
  afterEach(() => rm(root, { recursive: true }));

  const addFile = async (path: string, text: string): Promise<void> => {
    await mkdir(dirname(join(project, path)), { recursive: true });
    await writeFile(join(project, path), text);
    await chmod(join(project, path), 0o755);
  };
  const addPackages = () => addFile('node_modules/yargs/index.js', '');
  const launch = (
    args: readonly string[],
    { version = '', event = '', node = process.execPath },
  ) => {
    const fake = `Object.defineProperty(process.versions, "node", { value: "${version}" })`;
    const flags = version ? ['--import', `data:text/javascript,${encodeURIComponent(fake)}`] : [];
    const { status, stdout, stderr } = spawnSync(node, [...flags, 'launch.js', ...args], {
      cwd: project,
      encoding: 'utf8',
      env: { PATH: process.env.PATH, npm_lifecycle_event: event },
    });
    return { status, stdout: stdout.trim(), stderr: stderr.trim() };
  };

  it('starts the program where nothing is missing', async () => {
    await addPackages();
    assert.deepEqual(launch(['start'], {}), { status: 0, stdout: 'started', stderr: '' });
    assert.deepEqual(launch([], {}), { status: 0, stdout: '', stderr: '' });
  });

  it('says which command installs the packages', () => {
    assert.deepEqual(launch(['start'], {}), {
      status: 1,
      stdout: '',
      stderr: 'elastic-face: Its packages are not installed. Run: npm ci',
    });
  });

  it('says what an old Node lacks, and the one command, on any Node', async () => {
    await addPackages();
    const runs = [launch(['start'], { version: '22.17.9' })];
    // The system's own, as without npm's Node in front of it: often an old one.
    if (existsSync('/usr/bin/node')) {
      const { stdout } = spawnSync('/usr/bin/node', ['--version'], { encoding: 'utf8' });
      if (Number(stdout.slice(1, 3)) < 22) runs.push(launch(['start'], { node: '/usr/bin/node' }));
    }
    const bundled = process.platform === 'linux' && /^(?:x64|arm64)$/.test(process.arch);
    for (const { status, stderr } of runs) {
      assert.equal(status, 1);
      assert.match(stderr, /^elastic-face: It needs Node 22\.18 or newer, and this is 2\d\.\S+\. /);
      assert.match(stderr, bundled ? / Run: npm ci --ignore-scripts=false$/ : / run: npm ci$/);
    }
    assert.equal(launch(['start'], { version: '22.18.0' }).stdout, 'started');
  });

  it('after an install, takes away an npm Node that does not run, as on musl', async () => {
    await addPackages();
    // What a program for another C library looks like: it is there, and its loader is not.
    await addFile('node_modules/.bin/node', '#!/lib/no-such-loader.so\n');
    const { status, stderr } = launch([], { event: 'postinstall' });
    assert.equal(status, 0);
    assert.match(stderr, /does not run on this system, so Node \d\S+ is used$/);
    assert.equal(existsSync(join(project, 'node_modules/.bin/node')), false);
    await addFile('node_modules/.bin/node', '#!/lib/no-such-loader.so\n');
    assert.equal(launch([], { event: 'postinstall', version: '20.1.0' }).status, 1);
  });

  it('after an install, leaves an npm Node that runs, whatever Node npm itself runs on', async () => {
    await addPackages();
    await mkdir(join(project, 'node_modules/.bin'));
    await symlink(process.execPath, join(project, 'node_modules/.bin/node'));
    const result = launch([], { event: 'postinstall', version: '20.1.0' });
    assert.deepEqual(result, { status: 0, stdout: '', stderr: '' });
    assert.ok(existsSync(join(project, 'node_modules/.bin/node')));
  });
});
