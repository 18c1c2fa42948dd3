/** A usable model before anything needs one: what `npm start` calls. Knows no step of a conversion. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { ElasticFaceError } from '../runtime/errors.ts';
import { modulePath } from '../runtime/installation.ts';
import type { Settings } from '../runtime/settings.ts';
import { readIntactManifest } from './model-folder.ts';

type ModelSettings = Pick<Settings, 'MODEL_DIR' | 'FACE_CHECKPOINTS'>;

const program = modulePath('../elastic-face.ts', import.meta.url);

const STAGE = /^Model: /;

/**
 * Takes the model in MODEL_DIR if it is intact, whatever it was made from: a gallery of one's own must
 * survive a start. Else runs `elastic-face convert` in a process of its own: the engines that its
 * self-test loads would stay in the memory of the caller for good.
 * @param say told of each step when there is something to do
 * @throws {ElasticFaceError} with what the conversion said last
 */
export async function ensureModel(
  { MODEL_DIR, FACE_CHECKPOINTS }: ModelSettings,
  say: (line: string) => void,
): Promise<void> {
  if (await readIntactManifest(resolve(MODEL_DIR))) return;
  const from = FACE_CHECKPOINTS === undefined ? [] : ['--checkpoints', FACE_CHECKPOINTS];
  const child = spawn(process.execPath, [program, 'convert', '--out', MODEL_DIR, ...from], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const kill = () => child.kill();
  process.once('exit', kill);
  /** Since its last stage: why it failed may take several lines. */
  let told: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface(stream).on('line', (line) => {
      if (STAGE.test(line)) told = [];
      else told.push(line);
      say(line);
    });
  }
  try {
    const [code] = await once(child, 'close');
    if (code !== 0)
      throw new ElasticFaceError(
        'convert',
        `There is no model: ${told.join('\n') || 'it said nothing'}`,
      );
  } finally {
    process.off('exit', kill);
  }
}
