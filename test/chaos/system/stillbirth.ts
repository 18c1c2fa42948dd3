/** Preloaded (`node --import`) into an instance's program: ends it at its start while a file is there. */
import { existsSync } from 'node:fs';

/** Names the file. */
export const STILLBIRTH_VARIABLE = 'CHAOS_STILLBIRTH_FILE';
const EXIT_CODE = 1;

const file = process.env[STILLBIRTH_VARIABLE];
if (file !== undefined) {
  // What the program starts itself is not an instance.
  delete process.env[STILLBIRTH_VARIABLE];
  delete process.env.NODE_OPTIONS;
  if (existsSync(file)) process.exit(EXIT_CODE);
}
