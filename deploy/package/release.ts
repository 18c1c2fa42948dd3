/**
 * npm runs it before it publishes (`prepublishOnly`): refuses a package whose manifest still holds placeholders,
 * which stand under `.invalid`, a name that RFC 2606 keeps out of use. `npm pack` is not concerned.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errorClass, messageOf } from '../../runtime/errors.ts';
import { packageFolder } from '../../runtime/installation.ts';

class ReleaseError extends errorClass('release') {}

/** What a reader needs to find the project and to report a vulnerability (SECURITY.md). */
const NEEDED = ['author', 'homepage', 'repository', 'bugs'] as const;
const PLACEHOLDER = /[\w-]+\.invalid\b/;

/** @throws {ReleaseError} naming each field that is missing or holds a placeholder */
export function requireReleasable(manifest: Readonly<Record<string, unknown>>): void {
  const wrong = NEEDED.filter((field) => {
    const text = JSON.stringify(manifest[field]);
    return text === undefined || PLACEHOLDER.test(text);
  });
  if (wrong.length === 0) return;
  throw new ReleaseError(
    `package.json cannot be published: ${wrong.join(', ')} ${wrong.length === 1 ? 'is' : 'are'} missing or a placeholder. Write the project’s own addresses there.`,
  );
}

if (import.meta.main) {
  try {
    requireReleasable(JSON.parse(await readFile(join(packageFolder, 'package.json'), 'utf8')));
  } catch (error) {
    console.error(messageOf(error));
    process.exitCode = 1;
  }
}
