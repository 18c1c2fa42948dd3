/**
 * The public face of the conversion: a model for `loadRecognizer`.
 *
 *     const recognizer = await loadRecognizer(await prepareModel());
 */
import type { EncoderKind } from '../model/format.ts';
import { readSettings } from '../runtime/settings.ts';
import { ensureModel } from './ensure-model.ts';

export {
  type Conversion,
  type ConvertOptions,
  convertModel,
} from './convert-model.ts';
export { CheckpointError, OutputError, SelfTestError } from './errors.ts';
export type { PhotosReport } from './gallery/make-gallery.ts';
export type { OnProgress, Progress } from './progress.ts';

export interface PrepareOptions {
  /** Folder of the model. Default: MODEL_DIR, else a folder of this user's. */
  readonly directory?: string | undefined;
  /** Folder of the PyTorch checkpoints. Default: FACE_CHECKPOINTS, else where they are found or downloaded to. */
  readonly checkpoints?: string | undefined;
  /** Default: ENCODER, else facenet where its weights can be had and compact elsewhere. */
  readonly encoder?: EncoderKind | undefined;
  /** Called with each line of progress; nothing is said when the model is there. */
  readonly onStep?: ((line: string) => void) | undefined;
}

/**
 * Converts the model unless the folder holds an intact one. A conversion runs in a process of its own, which takes
 * the engines of its self-test with it when it ends.
 * @returns the model's folder
 * @throws {ElasticFaceError} when there is no model and none can be made, with what the conversion said last
 */
export async function prepareModel(options: PrepareOptions = {}): Promise<string> {
  const { directory, checkpoints, encoder, onStep = () => {} } = options;
  const settings = readSettings({
    MODEL_DIR: directory,
    FACE_CHECKPOINTS: checkpoints,
    ENCODER: encoder,
  });
  await ensureModel(settings, onStep);
  return settings.MODEL_DIR;
}
