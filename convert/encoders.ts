/** The two encoders as a converted model's manifest describes them. Knows neither their layers nor files. */
import type { EncoderDescription, EncoderKind } from '../model/format.ts';

export const encoders: Readonly<Record<EncoderKind, EncoderDescription>> = {
  /** InceptionResnetV1 of facenet-pytorch, trained on VGGFace2. */
  facenet: {
    kind: 'facenet',
    faceSize: 240,
    alignment: 'box',
    embeddingLength: 512,
    normalised: true,
    precisions: ['float32', 'bfloat16'],
    // Where both errors are equal on the course's photos: docs/api.md.
    knownDistance: 0.92,
  },
  /**
   * dlib's face_recognition_resnet_model_v1. A call takes a tenth of facenet's, so that half of it would
   * not pay for a second set of weights: it has no bfloat16.
   */
  compact: {
    kind: 'compact',
    faceSize: 150,
    alignment: 'landmarks',
    embeddingLength: 128,
    normalised: false,
    precisions: ['float32'],
    // How it was chosen: docs/encoders.md.
    knownDistance: 0.55,
  },
};
