import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const CHECKOUT = fileURLToPath(new URL('..', import.meta.url));
const skip =
  process.env.INSTALL !== 'full' &&
  'takes minutes and a package registry: set INSTALL=full to run it';

/** Real installs of what is committed, in a folder whose name has a space, with an empty home. */
describe('npm ci', { skip, timeout: 900_000 }, () => {
  let root: string;
  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'elastic face install '));
  });
  after(() => rm(root, { recursive: true, force: true }));

  /** What npm and the shell need; no pip, no compiler. */
  const fewPrograms = async (): Promise<string> => {
    const folder = join(root, 'programs');
    if (existsSync(folder)) return folder;
    await mkdir(folder);
    for (const name of ['sh', 'env', 'dirname', 'uname', 'sed']) {
      const path = await whereIs(name);
      if (path !== undefined) await symlink(path, join(folder, name));
    }
    return folder;
  };
  const clone = async (name: string): Promise<string> => {
    const project = join(root, name);
    await promisify(execFile)('git', ['clone', '-q', CHECKOUT, project]);
    return project;
  };
  /** @param npm command line of npm, run by the Node that has no .ts support or by this one */
  const npm = async (version: string, project: string, args: string[], programs: string) => {
    const tool = join(root, `npm-${version}`);
    if (!existsSync(tool)) {
      await mkdir(tool);
      await writeFile(join(tool, 'package.json'), '{}');
      const install = ['install', '--ignore-scripts', '--no-audit', `npm@${version}`];
      await promisify(execFile)('npm', install, { cwd: tool });
    }
    const cli = join(tool, 'node_modules/npm/bin/npm-cli.js');
    const node = oldNode ?? process.execPath;
    const shims = join(root, `shims-${version}`);
    await mkdir(shims, { recursive: true });
    await writeFile(join(shims, 'npm'), `#!/bin/sh\nexec "${node}" "${cli}" "$@"\n`, {
      mode: 0o755,
    });
    const path = [shims, programs, dirname(node)].join(delimiter);
    const env = { ...settingsOfNetwork(), PATH: path, HOME: join(root, 'home') };
    await mkdir(env.HOME, { recursive: true });
    return new Promise<{ code: number; said: string }>((resolve) => {
      execFile(node, [cli, ...args], { cwd: project, env }, (error, stdout, stderr) => {
        resolve({ code: Number(error?.code ?? 0), said: `${stdout}${stderr}` });
      });
    });
  };

  it('by an npm that knows no allowScripts runs no installer but the project’s own', async () => {
    const project = await clone('npm 10');
    const { code, said } = await npm('10.8.2', project, ['ci'], await fewPrograms());
    assert.equal(code, 0, said);
    assert.doesNotMatch(said, /Downloading libtensorflow|node-gyp|scarf/);
    assert.ok(existsSync(join(project, 'node_modules/.bin/node')));
  });

  it('without scripts is followed by words, and by the one command', async () => {
    const project = await clone('no scripts');
    const programs = await fewPrograms();
    const installed = await npm('10.8.2', project, ['ci', '--ignore-scripts'], programs);
    assert.equal(installed.code, 0, installed.said);
    const { code, said } = await npm('10.8.2', project, ['start'], programs);
    if (oldNode === undefined) return assert.match(said, /wasm backend|Model/);
    assert.equal(code, 1);
    assert.match(said, /It needs Node 22\.18 .* Run: npm ci --ignore-scripts=false$/m);
  });
});

/** A Node that cannot read TypeScript, where the system has one. */
const oldNode = await whereIsOldNode();

async function whereIsOldNode(): Promise<string | undefined> {
  const path = '/usr/bin/node';
  if (!existsSync(path)) return undefined;
  const { stdout } = await promisify(execFile)(path, ['--version']);
  return Number(/\d+/.exec(stdout)?.[0]) < 22 ? path : undefined;
}

async function whereIs(program: string): Promise<string | undefined> {
  return ['/bin', '/usr/bin']
    .map((folder) => join(folder, program))
    .find((path) => existsSync(path));
}

/** Of this machine's environment only what leads to its registry. */
function settingsOfNetwork(): Record<string, string> {
  const wanted =
    /^(?:npm_config_(?:registry|cafile)|https?_proxy|no_proxy|ssl_cert_file|node_extra_ca_certs)$/i;
  return Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) =>
      wanted.test(name) && value !== undefined ? [[name, value]] : [],
    ),
  );
}
