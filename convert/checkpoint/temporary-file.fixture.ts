/** A folder for one test file's files, gone when its tests are done. For tests only. */
import { mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'elastic-face-convert-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export async function put(folder: string, name: string, content: Uint8Array | string) {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}
