/**
 * `npm test`: the whole suite, or the files that are named. The processes of the tests share what Node compiles of
 * this project and its packages, which saves a sixth of their processor time, also on a first run.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

/** Many tests wait for timers or other processes: three files at a time keep two cores busy. */
const FILES_AT_ONCE = 3;
const LIMIT_MS = 300_000;
/** Node never clears it: here it goes with the installation. */
const COMPILED = join(import.meta.dirname, '../node_modules/.cache/compiled');

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
    env: { ...process.env, NODE_COMPILE_CACHE: COMPILED },
  },
);
process.exitCode = signal === null ? (status ?? 1) : 1;
