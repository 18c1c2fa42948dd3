/** npm's @vladmandic/face-api in the user's cache, installed when first asked for: no part of this project needs it. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { messageOf } from '../../runtime/errors.ts';
import { folders } from '../../runtime/folders.ts';
import { BenchError } from '../errors.ts';

const run = promisify(execFile);

const NAME = '@vladmandic/face-api';
const VERSION = '1.7.15';

/**
 * @returns the package's folder
 * @throws {BenchError} when it cannot be installed, with npm's reason
 */
export async function openFaceApi(say: (words: string) => void): Promise<string> {
  const folder = join(folders.cache, `bench-face-api-${VERSION}`);
  const installed = join(folder, 'node_modules', NAME);
  // npm writes a package's own package.json last.
  if (existsSync(join(installed, 'package.json'))) return installed;
  say(`Installing ${NAME} ${VERSION} into ${folder}, once…`);
  await mkdir(folder, { recursive: true });
  const quietly = ['--ignore-scripts', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'];
  try {
    await run('npm', ['install', '--prefix', folder, ...quietly, `${NAME}@${VERSION}`]);
  } catch (cause) {
    const said = (cause as { stderr?: string }).stderr?.trim().split('\n')[0];
    throw new BenchError(`${NAME} cannot be installed: ${said || messageOf(cause)}`, { cause });
  }
  return installed;
}
