/** Looks for what may stand in no log. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** @returns for each log that holds a secret its name and the line, the secret itself masked */
export async function leaks(folder: string, secrets: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const name of await readdir(folder)) {
    const lines = (await readFile(join(folder, name), 'utf8')).split('\n');
    for (const secret of secrets) {
      const line = lines.find((one) => one.includes(secret));
      if (line !== undefined) {
        found.push(`${name} holds a secret: ${line.replaceAll(secret, '***').slice(0, 200)}`);
      }
    }
  }
  return found;
}
