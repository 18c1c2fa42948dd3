/** Settings of a worker: the model and the engine that runs it. */
import { z } from 'zod';
import { folders } from '../folders.ts';
import { seconds, whole } from './kinds.ts';

export const workerSettings = {
  MODEL_DIR: z
    .string()
    .min(1)
    .default(folders.model)
    .describe('Folder of the converted model. Unset: the folder that `npm run convert` writes to.'),
  BACKEND: z
    .enum(['auto', 'tensorflow', 'wasm'], { error: 'must be auto, tensorflow or wasm' })
    .default('auto')
    .describe('Engine of the model. `auto` uses tensorflow if it loads, otherwise wasm.'),
  PRECISION: z
    .enum(['auto', 'float32', 'bfloat16'], { error: 'must be auto, float32 or bfloat16' })
    .default('auto')
    .describe(
      'Encoder precision. `auto` picks the faster one on this processor by a short trial; the names are the same.',
    ),
  THREADS: whole(1, 256).default(1).describe('Threads of one inference process.'),
  KNOWN_ODDS: z.coerce
    .number<string | number>({ error: 'must be a number from 1, e.g. 1000' })
    .min(1, { error: 'must be at least 1' })
    .max(1e9, { error: 'must be at most 1000000000' })
    .optional()
    .describe(
      'Odds from which the nearest person is `known`: 1 in this many strangers would be as near to anybody in the gallery. Unset: 1000 for a gallery that was changed over HTTP; for one as it was converted, the distance of the encoder, 0.92 for facenet and 0.55 for compact.',
    ),
  KNOWN_DISTANCE: z.coerce
    .number<string | number>({ error: 'must be a distance from 0 to 2' })
    .min(0, { error: 'must be at least 0' })
    .max(2, { error: 'must be at most 2' })
    .optional()
    .describe(
      'Distance below which the nearest person is `known`, in place of odds. Overrides `KNOWN_ODDS`.',
    ),
  ALONE_SECONDS: seconds(1, 604_800)
    .default(1800)
    .describe(
      'Seconds after which an instance ends itself: one that has seen neither a scaler nor work, or one that was drained and not terminated.',
    ),
};

export const conversionSettings = {
  FACE_CHECKPOINTS: z
    .string()
    .min(1)
    .optional()
    .describe('Folder of the PyTorch checkpoints and the gallery to convert.'),
  ENCODER: z
    .enum(['facenet', 'compact'], { error: 'must be facenet or compact' })
    .optional()
    .describe(
      'Encoder of a model that is converted. Unset: facenet if its weights can be found, otherwise compact.',
    ),
};
