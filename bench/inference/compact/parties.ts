/** Who is measured beside the compact encoder: this project with both encoders, and those who run the same network. */
import { tensorMemory } from '../../../model/native/tensor-memory.ts';
import { nodeProgram, ownProgram, type Party, pythonProgram } from '../parties.ts';

const photos = { precision: 'float32', photos: true } as const;

/** TensorFlow's own use of oneDNN, which is its default and which this project turns off. */
const asShipped = { ...tensorMemory, TF_ENABLE_ONEDNN_OPTS: '1' };

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
        tensorMemory,
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
