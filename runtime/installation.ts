/**
 * The two forms this project runs in: TypeScript in a checkout, and the JavaScript of the npm package that
 * `deploy/package/` builds, because Node does not strip types below node_modules.
 */
import { readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const EXTENSION = extname(import.meta.filename);

/** True in the npm package, whose program lies in `dist/`. */
export const isPackaged = EXTENSION === '.js';

/** The folder of package.json. */
export const packageFolder = join(import.meta.dirname, isPackaged ? '../..' : '..');

/** The project's version, by its package.json. */
export async function packageVersion(): Promise<string> {
  const text = await readFile(join(packageFolder, 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

/**
 * The address of a module that another process is to run.
 * @param path as in the sources, relative to `from`
 * @param from the asking module's `import.meta.url`
 */
export function moduleUrl(path: `${string}.ts`, from: string): URL {
  return new URL(path.replace(/\.ts$/, EXTENSION), from);
}

/** The same as a path. */
export function modulePath(path: `${string}.ts`, from: string): string {
  return fileURLToPath(moduleUrl(path, from));
}

/**
 * The command line that runs one of the project's commands here, for messages.
 * @param flags e.g. `--gallery people`
 */
export function commandLine(command: string, flags = ''): string {
  if (isPackaged) return `npx elastic-face ${command} ${flags}`.trimEnd();
  return flags === '' ? `npm run ${command}` : `npm run ${command} -- ${flags}`;
}
