/** `elastic-face convert`: PyTorch checkpoints to the model that `model/` runs, offline. */
import type { Argv, CommandModule, InferredOptionTypes, Options } from 'yargs';
import { encoderKinds } from '../model/format.ts';

const options = {
  checkpoints: {
    type: 'string',
    describe:
      'Folder of pnet.pt, rnet.pt, onet.pt and the encoder (setting FACE_CHECKPOINTS); ' +
      'else they are looked for, then downloaded',
  },
  gallery: {
    type: 'string',
    describe: 'A data.pt, or a folder with one sub-folder of photos a person',
  },
  encoder: {
    choices: encoderKinds,
    describe:
      'Network that embeds a face: facenet is the more accurate one, compact ten times smaller and faster ' +
      '(setting ENCODER; default: facenet where its weights can be had, else compact)',
  },
  out: { type: 'string', describe: 'Folder of the converted model (setting MODEL_DIR)' },
  weights: {
    choices: ['float32', 'float16'] as const,
    describe:
      'How facenet’s float32 encoder is stored (default float32): float16 takes half the disk, distances move by 4e-4',
  },
  'any-weights': {
    type: 'boolean',
    default: false,
    describe: 'Accept weights other than the published ones, if the answers are sane',
  },
} satisfies Record<string, Options>;

export const command: CommandModule<object, InferredOptionTypes<typeof options>> = {
  command: 'convert',
  describe: 'Convert PyTorch checkpoints and a gallery to the model that the workers run',
  builder: (yargs: Argv) =>
    yargs
      .options(options)
      .example('$0 convert', 'from checkpoints that are found, else downloaded')
      .example(
        '$0 convert --gallery people --out model',
        'a gallery of one’s own: people/NAME/*.jpg',
      )
      .epilogue('Unchanged inputs convert nothing.'),
  handler: async ({ checkpoints, gallery, encoder, out, weights, anyWeights }) => {
    const { readSettings } = await import('../runtime/settings.ts');
    const { convertModel } = await import('./convert-model.ts');
    const { showProgress } = await import('./show-progress.ts');
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
