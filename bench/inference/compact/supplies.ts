/** What the parties need, looked for, made or installed; what cannot be had is told with its reason. */
import { join } from 'node:path';
import { ensureModel } from '../../../convert/ensure-model.ts';
import { COMMAND_LINE } from '../../../local/processes/service.ts';
import { run } from '../../../model/native/run.ts';
import { messageOf } from '../../../runtime/errors.ts';
import type { OnStep } from '../../../runtime/progress.ts';
import { readSettings } from '../../../runtime/settings.ts';
import { openPython, type PythonParty } from '../../python.ts';
import { openFaceApi } from '../face-api.ts';
import type { Circumstances } from '../open.ts';
import type { Need, Places } from '../parties.ts';

/**
 * `dlib-bin` is dlib built as a wheel: pip compiles dlib itself for a quarter of an hour. The models' package
 * asks setuptools for its files, by a module that newer ones have no more.
 */
const FACE_RECOGNITION: PythonParty = {
  packages: ['dlib-bin==20.0.1.post1', 'pillow==13.0.0', 'numpy==2.4.6', 'setuptools<81', 'click'],
  alone: ['face_recognition==1.3.0', 'face_recognition_models==0.3.0'],
  modules: ['dlib', 'face_recognition'],
};

/** @param work a folder for a model that is made for this run alone */
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

/** In a process of its own, which leaves no engine behind. */
async function convertCompact(folder: string): Promise<string> {
  await run(process.execPath, [COMMAND_LINE, 'convert', '--out', folder, '--encoder', 'compact']);
  return folder;
}
