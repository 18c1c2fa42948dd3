/** Which modules a set of entrances needs, by reading the compiled files. Deletes nothing. */
import { readFile } from 'node:fs/promises';
import { join, posix } from 'node:path';

/** `from './x.js'`, `import './x.js'`, `import('./x.js')`, and what another process is to run. */
const IMPORTED =
  /(?:^(?:import|export) (?:[^;'"=()]*? from )?|\bimport\(\s*|\bmodule(?:Url|Path)\(\s*)'([@\w./:-]+)'/gm;

export interface Reached {
  /** Paths from `folder`, the entrances among them. */
  readonly modules: ReadonlySet<string>;
  /** Names of the packages that they import. */
  readonly packages: ReadonlySet<string>;
}

/**
 * @param ending of the files to follow: `.js`, or `.d.ts` for declarations
 * @param leftOut paths that are not followed
 */
export async function modulesReached(
  folder: string,
  entrances: readonly string[],
  ending: '.js' | '.d.ts',
  leftOut: RegExp,
): Promise<Reached> {
  const modules = new Set<string>();
  const packages = new Set<string>();
  const waiting = entrances.map((entrance) => entrance + ending);
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (modules.has(file) || leftOut.test(file)) continue;
    modules.add(file);
    const text = await readFile(join(folder, file), 'utf8');
    for (const [, specifier] of withoutComments(text).matchAll(IMPORTED)) {
      if (!specifier!.startsWith('.')) packages.add(packageOf(specifier!));
      else waiting.push(posix.join(posix.dirname(file), specifier!.replace(/\.[jt]s$/, ending)));
    }
  }
  return { modules, packages };
}

function withoutComments(text: string): string {
  return text.replace(/^\s*\/?\*.*$/gm, '');
}

function packageOf(specifier: string): string {
  const [first, second] = specifier.split('/');
  return first!.startsWith('@') ? `${first}/${second}` : first!;
}
