/**
 * Finds, converts or installs what the parties need beyond facenet's model: the compact model, npm's face-api,
 * PyPI's face_recognition. What is missing is reported with its reason.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { COMMAND_LINE } from '../../local/processes/service.ts';
import { run } from '../../model/native/run.ts';
import { messageOf } from '../../runtime/errors.ts';
import { folders } from '../../runtime/folders.ts';
import type { OnStep } from '../../runtime/progress.ts';
import { BenchError } from '../errors.ts';
import { openPython, type PythonParty } from '../python.ts';
import type { Need, Places } from './party-program.ts';

/**
 * `dlib-bin` is dlib as a wheel: pip would compile dlib itself for a quarter of an hour. The package of the
 * models finds its files with a module of setuptools that newer versions no longer have.
 */
const FACE_RECOGNITION: PythonParty = {
  packages: ['dlib-bin==20.0.1.post1', 'pillow==13.0.0', 'numpy==2.4.6', 'setuptools<81', 'click'],
  alone: ['face_recognition==1.3.0', 'face_recognition_models==0.3.0'],
  modules: ['dlib', 'face_recognition'],
};

export interface Supplies {
  readonly places: Pick<Places, 'compact' | 'faceApi' | 'faceRecognition'>;
  /** What is not available here, and why. */
  readonly missing: Partial<Record<Need, string>>;
}

/**
 * Looks for what is needed only; nothing else is installed.
 * @param work a folder for a model that is converted for this run only
 */
export async function gatherSupplies(
  needs: ReadonlySet<Need>,
  work: string,
  { python, onStep }: { python: string | undefined; onStep: OnStep },
): Promise<Supplies> {
  const missing: Partial<Record<Need, string>> = {};
  const seek = async (need: Need, find: () => Promise<string>): Promise<string | undefined> => {
    if (!needs.has(need)) return undefined;
    try {
      return await find();
    } catch (error) {
      missing[need] = messageOf(error).split('\n')[0]!;
      return undefined;
    }
  };
  const places = {
    compact: await seek('compact', () => convertCompact(join(work, 'model-compact'))),
    faceApi: await seek('face-api', () => openFaceApi(onStep)),
    faceRecognition: await seek('face-recognition', () =>
      openPython({ ...FACE_RECOGNITION, python }, onStep),
    ),
  };
  return { places, missing };
}

/** In a child process, so that no engine stays loaded. */
async function convertCompact(folder: string): Promise<string> {
  await run(process.execPath, [COMMAND_LINE, 'convert', '--out', folder, '--encoder', 'compact']);
  return folder;
}

const execute = promisify(execFile);

const NAME = '@vladmandic/face-api';
const VERSION = '1.7.15';

/**
 * npm's @vladmandic/face-api in the user's cache, installed at the first run: no other part of this project
 * needs it.
 * @returns the package's folder
 * @throws {BenchError} when it cannot be installed, with npm's reason
 */
async function openFaceApi(say: (words: string) => void): Promise<string> {
  const folder = join(folders.cache, `bench-face-api-${VERSION}`);
  const installed = join(folder, 'node_modules', NAME);
  // npm writes a package's own package.json last.
  if (existsSync(join(installed, 'package.json'))) return installed;
  say(`Installing ${NAME} ${VERSION} into ${folder}, once…`);
  await mkdir(folder, { recursive: true });
  const quietly = ['--ignore-scripts', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'];
  try {
    await execute('npm', ['install', '--prefix', folder, ...quietly, `${NAME}@${VERSION}`]);
  } catch (cause) {
    const said = (cause as { stderr?: string }).stderr?.trim().split('\n')[0];
    throw new BenchError(`${NAME} cannot be installed: ${said || messageOf(cause)}`, { cause });
  }
  return installed;
}
