/** What a folder takes on disk. */
import { readdir, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';

/** Bytes of every file below the folder. */
export async function sizesIn(folder: string): Promise<Record<string, number>> {
  const sizes: Record<string, number> = {};
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    sizes[relative(folder, path)] = (await stat(path)).size;
  }
  return sizes;
}
