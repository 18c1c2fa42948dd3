/** `elastic-face convert`: PyTorch checkpoints to the model that `model/` runs, offline. */
import type { Argv, CommandModule, InferredOptionTypes, Options } from 'yargs';
import { encoderKinds } from '../model/format.ts';

const options = {
  checkpoints: {
    type: 'string',
    describe:
      'Folder of pnet.pt, rnet.pt, onet.pt and the encoder (setting FACE_CHECKPOINTS). ' +
      'Default: found on this machine, or downloaded',
  },
  gallery: {
    type: 'string',
    describe: 'Folder with one sub-folder of photos per person, or a data.pt of embeddings',
  },
  encoder: {
    choices: encoderKinds,
    describe:
      'Network that embeds a face (setting ENCODER): facenet is more accurate, compact is ten times smaller and faster. ' +
      'Default: facenet if its weights are available, otherwise compact',
  },
  out: { type: 'string', describe: 'Folder of the converted model (setting MODEL_DIR)' },
  weights: {
    choices: ['float32', 'float16'] as const,
    describe:
      'Storage of facenet’s float32 encoder (default float32). float16 takes half the disk and moves distances by 4e-4',
  },
  'any-weights': {
    type: 'boolean',
    default: false,
    describe: 'Accept weights other than the published ones if the answers are plausible',
  },
} satisfies Record<string, Options>;

export const command: CommandModule<object, InferredOptionTypes<typeof options>> = {
  command: 'convert',
  describe: 'Convert PyTorch checkpoints and a gallery to the model that the workers run',
  builder: (yargs: Argv) =>
    yargs
      .options(options)
      .example('$0 convert', 'with the public course’s gallery')
      .example('$0 convert --gallery people --out model', 'with your own people: people/NAME/*.jpg')
      .epilogue('If no input has changed, nothing is converted.'),
  handler: async ({ checkpoints, gallery, encoder, out, weights, anyWeights }) => {
    const { readSettings } = await import('../runtime/settings.ts');
    const { convertModel } = await import('./convert-model.ts');
    const { showProgress } = await import('./progress.ts');
    const { describeConversion } = await import('./conversion-report.ts');
    const settings = readSettings({
      FACE_CHECKPOINTS: checkpoints,
      ENCODER: encoder,
      MODEL_DIR: out,
    });
    const progress = showProgress(process.stderr);
    const started = performance.now();
    try {
      const conversion = await convertModel(settings.MODEL_DIR, {
        checkpoints: settings.FACE_CHECKPOINTS,
        gallery,
        encoder: settings.ENCODER,
        weights,
        anyWeights,
        onProgress: progress.show,
      });
      progress.end();
      console.log(describeConversion(conversion, performance.now() - started));
    } finally {
      progress.end();
    }
  },
};
