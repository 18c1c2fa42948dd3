/**
 * The parties compared with the compact encoder: this project with both encoders, and others that run the same
 * network. Finds, creates or installs what they need; what is missing is reported with its reason.
 */

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ensureModel } from '../../../convert/ensure-model.ts';
import { COMMAND_LINE } from '../../../local/processes/service.ts';
import { mallocSettings } from '../../../model/native/malloc-settings.ts';
import { run } from '../../../model/native/run.ts';
import { messageOf } from '../../../runtime/errors.ts';
import { folders } from '../../../runtime/folders.ts';
import type { OnStep } from '../../../runtime/progress.ts';
import { readSettings } from '../../../runtime/settings.ts';
import { BenchError } from '../../errors.ts';
import { openPython, type PythonParty } from '../../python.ts';
import type { Circumstances } from '../contestants.ts';
import {
  type Need,
  nodeProgram,
  ownProgram,
  type Party,
  type Places,
  pythonProgram,
} from '../parties.ts';

const photos = { precision: 'float32', photos: true } as const;

/** TensorFlow's own use of oneDNN is its default; this project turns it off. */
const asShipped = { ...mallocSettings, TF_ENABLE_ONEDNN_OPTS: '1' };

export const compactParties: readonly Party[] = [
  {
    id: 'own-compact',
    label: 'this project, compact',
    ...photos,
    needs: ['compact'],
    program: ({ compact = '', threads }) =>
      nodeProgram(
        { model: compact, threads },
        'own.ts',
        mallocSettings,
        'tensorflow',
        'THREADS',
        'float32',
      ),
  },
  {
    id: 'own-float32',
    label: 'this project, facenet float32',
    ...photos,
    needs: ['facenet'],
    program: ownProgram,
  },
  {
    id: 'face-api-ssd',
    label: 'face-api, SSD MobileNet',
    ...photos,
    needs: ['face-api'],
    program: ({ faceApi = '', threads }) =>
      nodeProgram({ model: faceApi, threads }, 'face-api.ts', asShipped, 'ssd', 'THREADS'),
  },
  {
    id: 'face-api-tiny',
    label: 'face-api, tiny detector',
    ...photos,
    needs: ['face-api'],
    program: ({ faceApi = '', threads }) =>
      nodeProgram({ model: faceApi, threads }, 'face-api.ts', asShipped, 'tiny', 'THREADS'),
  },
  {
    id: 'face-recognition',
    label: 'face_recognition, dlib',
    ...photos,
    needs: ['face-recognition'],
    program: ({ faceRecognition, threads }) =>
      pythonProgram({ python: faceRecognition, threads }, 'dlib_faces.py', []),
  },
];

/**
 * `dlib-bin` is dlib as a wheel: pip would compile dlib itself for a quarter of an hour. The package of the
 * models finds its files with a module of setuptools that newer versions no longer have.
 */
const FACE_RECOGNITION: PythonParty = {
  packages: ['dlib-bin==20.0.1.post1', 'pillow==13.0.0', 'numpy==2.4.6', 'setuptools<81', 'click'],
  alone: ['face_recognition==1.3.0', 'face_recognition_models==0.3.0'],
  modules: ['dlib', 'face_recognition'],
};

/** @param work a folder for a model that is converted for this run only */
export async function gatherSupplies(
  work: string,
  options: { threads: number; python: string | undefined; onStep: OnStep },
): Promise<Pick<Circumstances, 'places' | 'missing'>> {
  const { threads, python, onStep } = options;
  const settings = readSettings();
  const missing: Partial<Record<Need, string>> = {};
  const seek = async (need: Need, find: () => Promise<string>): Promise<string | undefined> => {
    try {
      return await find();
    } catch (error) {
      missing[need] = messageOf(error).split('\n')[0]!;
      return undefined;
    }
  };
  const places: Places = {
    threads,
    checkpoint: '',
    model:
      (await seek('facenet', async () => {
        await ensureModel(settings, onStep);
        return settings.MODEL_DIR;
      })) ?? '',
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
