/**
 * A source distribution from pip's index. `pip download` would run the package's set-up code to learn
 * its dependencies, so pip is only asked where the file is and for its own connection.
 */
import { join } from 'node:path';
import { findProgram, run } from '../../../model/native/run.ts';
import { DownloadError } from '../download.ts';
import type { SourcePackage } from './packages.ts';

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
export async function fetchSourceDistribution(
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
