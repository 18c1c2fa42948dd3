/**
 * `npm test`: the whole suite, or the files that are named. The processes of the tests share what Node compiles of
 * this project and its packages, which saves a sixth of their processor time, also on a first run.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { folders } from '../runtime/folders.ts';

/** Many tests wait for timers or other processes: three files at a time keep two cores busy. */
const FILES_AT_ONCE = 3;
const LIMIT_MS = 300_000;

const files = process.argv.slice(2);
const { status, signal } = spawnSync(
  process.execPath,
  [
    '--test',
    `--test-concurrency=${FILES_AT_ONCE}`,
    `--test-timeout=${LIMIT_MS}`,
    // Native libraries and servers of a test that failed would keep its process alive.
    '--test-force-exit',
    ...(files.length > 0 ? files : ['**/*.test.ts']),
  ],
  {
    stdio: 'inherit',
    env: { ...process.env, NODE_COMPILE_CACHE: join(folders.cache, 'compiled') },
  },
);
process.exitCode = signal === null ? (status ?? 1) : 1;
