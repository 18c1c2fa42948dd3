/** Gallery folders for tests. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after } from 'node:test';

/**
 * Makes a gallery folder of these files, each with its bytes; without them they are empty. It is removed
 * after the test file.
 */
export async function galleryFolder(
  files: readonly string[] | Readonly<Record<string, Uint8Array>>,
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'elastic-face-people-'));
  after(() => rm(folder, { recursive: true, force: true }));
  const entries = Array.isArray(files)
    ? files.map((file: string) => [file, ''] as const)
    : Object.entries(files);
  for (const [file, bytes] of entries) {
    const path = join(folder, file);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, bytes);
  }
  return folder;
}
