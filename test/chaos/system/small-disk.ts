/** A temp folder so small that it can be filled: a tmpfs where this user may mount one. */
import { execFile } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const SIZE_BYTES = 256 * 1024;

export interface SmallDisk {
  readonly folder: string;
  /** Whether it is small: else filling it is not possible here. */
  readonly canFill: boolean;
  fill(): Promise<void>;
  free(): Promise<void>;
  close(): Promise<void>;
}

export async function openSmallDisk(folder: string): Promise<SmallDisk> {
  await mkdir(folder, { recursive: true });
  const canFill = await run('mount', [
    '-t',
    'tmpfs',
    '-o',
    `size=${SIZE_BYTES}`,
    'none',
    folder,
  ]).then(
    () => true,
    () => false,
  );
  const ballast = join(folder, 'ballast');
  return {
    folder,
    canFill,
    async fill() {
      await writeFile(ballast, Buffer.alloc(2 * SIZE_BYTES)).catch((error: unknown) => {
        // What is wanted: it took all there was.
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      });
    },
    free: () => rm(ballast, { force: true }),
    async close() {
      if (canFill) await run('umount', ['-l', folder]);
    },
  };
}
