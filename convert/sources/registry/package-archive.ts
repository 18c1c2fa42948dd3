/**
 * The archive of a registry's package, fetched by the registry's own client, so that its mirrors, proxies
 * and credentials count. Runs no code of the package.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { findProgram, run } from '../../../model/native/run.ts';
import { fetchWheel } from '../../../model/native/set-up/wheel.ts';
import { sha256OfFile } from '../../../runtime/files.ts';
import { DownloadError } from '../download.ts';
import type { NpmPackage, RegistryPackage } from './packages.ts';
import { fetchSourceDistribution } from './pip-sdist.ts';

/** Long enough for 13 MB on a slow line; npm's own limit is five minutes a try. */
const NPM_LIMITS = ['--fetch-timeout=120000', '--fetch-retries=1'];

/**
 * @param folder empty; gets the archive and what the client needs while it works
 * @returns path of the archive, whose digest is the pinned one
 * @throws {ElasticFaceError} when the client is missing or fails, or the archive is another one
 */
export async function fetchArchive(from: RegistryPackage, folder: string): Promise<string> {
  // pip's wheel is compared there.
  if (from.kind === 'wheel') return fetchWheel({ ...from, project: from.name }, folder, false);
  const path =
    from.kind === 'npm'
      ? await fetchNpmPackage(from, folder)
      : await fetchSourceDistribution(from, folder);
  const digest = await sha256OfFile(path);
  if (digest !== from.sha256) {
    throw new DownloadError(
      `${from.name} ${from.version} came with the SHA-256 ${digest}, not ${from.sha256}: ` +
        'it is not the published archive',
    );
  }
  return path;
}

/** `npm pack` of a published package downloads it and runs none of its scripts. */
async function fetchNpmPackage({ name, version }: NpmPackage, folder: string): Promise<string> {
  const npm = await findProgram([['npm']]);
  if (npm === undefined) throw new DownloadError('npm was not found');
  await run('npm', [
    'pack',
    `${name}@${version}`,
    '--ignore-scripts',
    '--loglevel=error',
    ...NPM_LIMITS,
    // A cache of its own: it works with a home that cannot be written.
    ...['--pack-destination', folder, '--cache', join(folder, 'npm-cache')],
  ]);
  const file = (await readdir(folder)).find((entry) => entry.endsWith('.tgz'));
  if (file === undefined) throw new DownloadError(`npm fetched no archive of ${name}@${version}`);
  return join(folder, file);
}
