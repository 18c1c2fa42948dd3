/**
 * The archive of a registry’s package, fetched by the registry’s own client, so that its mirrors, proxies and
 * credentials count. Runs no code of the package: `pip download` would run the set-up code of a source
 * distribution, so pip is only asked where the file is and for its own connection.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { findProgram, run } from '../../../model/native/run.ts';
import { fetchWheel } from '../../../model/native/set-up/wheel.ts';
import { sha256OfFile } from '../../../runtime/files.ts';
import { DownloadError } from '../download.ts';
import type { NpmPackage, RegistryPackage, SourcePackage } from './packages.ts';

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

const PYTHONS = [
  ['python3', '-m', 'pip'],
  ['python', '-m', 'pip'],
] as const;

/**
 * The `download` command with another body: it has read pip's configuration, and its session has the
 * proxies, certificates and credentials. The names in it are those of pip 20 to 26.
 */
const SCRIPT = `
import sys
from pip._internal.commands import create_command

command = create_command("download")

def fetch(options, args):
    project, file, target = args
    session = command.get_default_session(options)
    finder = command._build_package_finder(options=options, session=session)
    links = [found.link for found in finder.find_all_candidates(project)]
    link = next((link for link in links if link.filename == file), None)
    if link is None:
        print("ERROR: the index has no " + file, file=sys.stderr)
        return 1
    answer = session.get(
        link.url_without_fragment, headers={"Accept-Encoding": "identity"}, stream=True
    )
    answer.raise_for_status()
    with open(target, "xb") as output:
        for chunk in answer.iter_content(65536):
            output.write(chunk)
    return 0

command.run = fetch
sys.exit(command.main(sys.argv[1:]))
`;

/**
 * @returns path of the archive in `folder`, not yet compared with its digest
 * @throws {ElasticFaceError} when there is no Python with pip, or the index does not have the file
 */
async function fetchSourceDistribution(
  { name, file }: SourcePackage,
  folder: string,
): Promise<string> {
  const pip = await findProgram(PYTHONS);
  if (pip === undefined) throw new DownloadError('python3 with pip was not found');
  const target = join(folder, file);
  await run(
    pip[0] as string,
    [
      ...['-c', SCRIPT, '--no-deps', '--no-cache-dir', '--disable-pip-version-check'],
      ...['--no-binary', ':all:', name, file, target],
    ],
    // Nothing is installed, so a rule about where to install is no obstacle.
    { env: { TMPDIR: folder, PIP_REQUIRE_VIRTUALENV: '0' } },
  );
  return target;
}
