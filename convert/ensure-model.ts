/** A usable model before anything needs one: what `npm start` calls. Knows no step of a conversion. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { EncoderKind, Manifest } from '../model/format.ts';
import { ElasticFaceError } from '../runtime/errors.ts';
import { commandLine, modulePath } from '../runtime/installation.ts';
import type { Settings } from '../runtime/settings.ts';
import { readIntactManifest } from './write/model-folder.ts';

type ModelSettings = Pick<Settings, 'MODEL_DIR' | 'FACE_CHECKPOINTS' | 'ENCODER'>;

const program = modulePath('../elastic-face.ts', import.meta.url);

const STAGE = /^Model: /;

/**
 * Takes the model in MODEL_DIR if it is intact, whatever it was made from: a gallery of the user's own must
 * survive a start. Else runs `elastic-face convert` in a process of its own: the engines that its
 * self-test loads would stay in the memory of the caller for good.
 * @param say told of each step when there is something to do
 * @throws {ElasticFaceError} with what the conversion said last, or when the model there has another
 *   encoder than ENCODER: it may hold a gallery of the user's own
 */
export async function ensureModel(
  { MODEL_DIR, FACE_CHECKPOINTS, ENCODER }: ModelSettings,
  say: (line: string) => void,
): Promise<void> {
  const present = await readIntactManifest(resolve(MODEL_DIR));
  if (present !== undefined) return requireEncoder(present, MODEL_DIR, ENCODER);
  const given = [
    ...(FACE_CHECKPOINTS === undefined ? [] : ['--checkpoints', FACE_CHECKPOINTS]),
    ...(ENCODER === undefined ? [] : ['--encoder', ENCODER]),
  ];
  const child = spawn(process.execPath, [program, 'convert', '--out', MODEL_DIR, ...given], {
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

function requireEncoder(
  { encoder }: Manifest,
  directory: string,
  wanted: EncoderKind | undefined,
): void {
  if (wanted === undefined || encoder.kind === wanted) return;
  throw new ElasticFaceError(
    'convert',
    `The model in ${directory} has the ${encoder.kind} encoder, and ENCODER asks for ${wanted}: ` +
      `convert it with \`${commandLine('convert', `--encoder ${wanted}`)}\` (and --gallery for people of your own), or unset ENCODER.`,
  );
}
