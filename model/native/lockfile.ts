/**
 * Keeps tfjs-node's own install script from running. npm before 11.16 does not know `allowScripts`, runs that
 * script, and fails the whole installation if the storage it downloads from cannot be reached. npm reads from
 * the lockfile whether a package has an install script: this program marks the entry as having none.
 * `npm install` removes the mark, so `npm run check` verifies it.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { z } from 'zod';

/** Packages whose install scripts are not needed, by their key in the lockfile. */
export const WITHOUT_SCRIPTS = [
  'node_modules/@tensorflow/tfjs-node',
  'node_modules/core-js',
] as const;

const objectSchema = z.record(z.string(), z.unknown());

/** @returns the lockfile's text with those packages marked; unchanged if they are marked already */
export function markLockfile(text: string): string {
  // Records keep the order of npm, so that the other lines stay the same.
  const lockfile = objectSchema.parse(JSON.parse(text));
  const packages = objectSchema.parse(lockfile.packages);
  for (const key of WITHOUT_SCRIPTS) {
    if (packages[key] === undefined) continue;
    const entry = objectSchema.parse(packages[key]);
    const { hasInstallScript: _script, gypfile: _mark, version, integrity, ...others } = entry;
    // Without `gypfile`, npm compiles packages that have a binding.gyp.
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
