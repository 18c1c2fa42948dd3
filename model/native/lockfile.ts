/**
 * Keeps tfjs-node's own install script from running. npm before 11.16 knows no `allowScripts`, runs that
 * script, and fails the whole install where the storage it downloads from cannot be reached. npm takes what
 * a package has to run from its entry in the lockfile: this marks the entry as having nothing. `npm install`
 * writes the entry without the mark, so the check of the project asks for it again.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { z } from 'zod';

/** Packages whose scripts this project does without, by their key in the lockfile. */
export const WITHOUT_SCRIPTS = [
  'node_modules/@tensorflow/tfjs-node',
  'node_modules/core-js',
] as const;

const objectSchema = z.record(z.string(), z.unknown());

/** @returns the lockfile's text with those packages marked; the same text where they are already */
export function markLockfile(text: string): string {
  // Records keep the order of npm, which would else write the whole file differently.
  const lockfile = objectSchema.parse(JSON.parse(text));
  const packages = objectSchema.parse(lockfile.packages);
  for (const key of WITHOUT_SCRIPTS) {
    if (packages[key] === undefined) continue;
    const entry = objectSchema.parse(packages[key]);
    const { hasInstallScript: _script, gypfile: _mark, version, integrity, ...others } = entry;
    // Without the second part npm compiles what has a binding.gyp.
    packages[key] = { version, integrity, gypfile: false, ...others };
  }
  return `${JSON.stringify({ ...lockfile, packages }, null, 2)}\n`;
}

if (import.meta.main) {
  const path = new URL('../../package-lock.json', import.meta.url);
  const text = await readFile(path, 'utf8');
  const marked = markLockfile(text);
  if (marked !== text && process.argv.includes('--write')) await writeFile(path, marked);
  else if (marked !== text) {
    console.error(
      'package-lock.json lets install scripts run that must not. Run: npm run mark-lockfile',
    );
    process.exitCode = 1;
  }
}
