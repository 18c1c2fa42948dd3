/** Version 2 of the AWS CLI, which AWS publishes to package registries only inside a layer for Lambda. */
import { execFile } from 'node:child_process';
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { unzipSync } from 'fflate';
import { extract } from 'tar';

const run = promisify(execFile);
const PACKAGE = '@aws-cdk/asset-awscli-v2';
const LAYER = 'package/lib/layer.zip';

/**
 * Fetches the package (70 MB) and unpacks the program from it.
 * @param folder takes what is unpacked, 250 MB
 * @returns the program's path
 */
export async function awsCliV2(folder: string): Promise<string> {
  await run('npm', ['pack', PACKAGE, '--silent', '--pack-destination', folder], { cwd: folder });
  const [archive = ''] = (await readdir(folder)).filter((name) => name.endsWith('.tgz'));
  await extract({ file: join(folder, archive), cwd: folder }, [LAYER]);
  const files = unzipSync(await readFile(join(folder, LAYER)));
  let program = '';
  for (const [name, bytes] of Object.entries(files)) {
    if (name.endsWith('/')) continue;
    const path = join(folder, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, bytes);
    if (/\/dist\/aws$/.test(name)) program = path;
  }
  await chmod(program, 0o755);
  return program;
}
