/** The package as a consumer has it: packed from a copy of this checkout, installed in an empty folder. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { packageFolder } from '../../runtime/installation.ts';

/** Neither sources nor of use in a copy. */
const NOT_COPIED = /^(?:node_modules|\.git|dist|out|cdk\.out|.*\.tgz)$/;
/** npm's codes for a registry that it cannot reach. */
const UNREACHABLE = /ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EAI_AGAIN|ENOTCACHED|ENETUNREACH/;

export interface Ran {
  readonly out: string;
  readonly err: string;
  readonly code: number;
}

export class Consumer {
  readonly folder: string;
  readonly tarball: string;
  /** What the command runs. */
  readonly program: string;
  readonly #root: string;

  private constructor(root: string, tarball: string) {
    this.#root = root;
    this.folder = join(root, 'consumer');
    this.tarball = tarball;
    this.program = join(this.folder, 'node_modules/elastic-face/dist/elastic-face.js');
  }

  /** @returns why not, where the registry cannot be reached */
  static async install(): Promise<Consumer | string> {
    const root = await mkdtemp(join(tmpdir(), 'elastic-face-package-'));
    const consumer = new Consumer(root, await packCopy(root));
    await mkdir(consumer.folder);
    const manifest = { name: 'consumer', private: true, type: 'module' };
    await writeFile(join(consumer.folder, 'package.json'), JSON.stringify(manifest));
    // As beside a checkout, for the weights and photos.
    const shared = join(packageFolder, '../shared');
    if (existsSync(shared)) await symlink(shared, join(root, 'shared'));
    const quiet = ['--no-audit', '--no-fund', '--prefer-offline', '--fetch-retries=0'];
    const installed = await consumer.run('npm', 'install', ...quiet, consumer.tarball);
    if (installed.code === 0) return consumer;
    await consumer.remove();
    if (UNREACHABLE.test(installed.err)) return 'npm cannot reach its registry';
    throw new Error(`npm install failed:\n${installed.err}`);
  }

  /** Runs a program in the consumer's folder, on this Node. */
  run(program: string, ...args: readonly string[]): Promise<Ran> {
    return run(this.folder, program, args);
  }

  async remove(): Promise<void> {
    await rm(this.#root, { recursive: true });
  }
}

/** A copy, so that no other test meets the package.json that npm packs. */
async function packCopy(root: string): Promise<string> {
  const copy = join(root, 'checkout');
  await cp(packageFolder, copy, {
    recursive: true,
    filter: (path) => !NOT_COPIED.test(relative(packageFolder, path)),
  });
  await symlink(join(packageFolder, 'node_modules'), join(copy, 'node_modules'));
  const packed = await run(copy, 'npm', ['pack', '--pack-destination', root]);
  if (packed.code !== 0) throw new Error(`npm pack failed:\n${packed.err}`);
  const name = (await readdir(root)).find((file) => file.endsWith('.tgz'));
  return join(root, name ?? 'nothing was packed');
}

async function run(cwd: string, program: string, args: readonly string[]): Promise<Ran> {
  // Of the npm that runs the tests: an npm below would take this checkout for its own.
  const environment = Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name));
  const env = {
    ...Object.fromEntries(environment),
    PATH: [dirname(process.execPath), process.env.PATH].join(delimiter),
  };
  try {
    const { stdout, stderr } = await promisify(execFile)(program, args, { cwd, env });
    return { out: stdout, err: stderr, code: 0 };
  } catch (error) {
    const { stdout, stderr, code } = error as { stdout: string; stderr: string; code: unknown };
    if (typeof code !== 'number') throw error;
    return { out: stdout, err: stderr, code };
  }
}
