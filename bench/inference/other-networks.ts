/**
 * Parties whose network is not facenet: the compact encoder, npm's @vladmandic/face-api with its own models, and
 * PyPI's face_recognition. Each has its usual settings: the default detector, every face found, 128 numbers a face.
 */
import { mallocSettings } from '../../model/native/malloc-settings.ts';
import { nodeProgram, type Party, type Places, pythonProgram } from './party-program.ts';
import type { Program } from './peer.ts';

/** TensorFlow's own use of oneDNN is its default; this project turns it off. */
const asShipped = { ...mallocSettings, TF_ENABLE_ONEDNN_OPTS: '1' };

const faceApi =
  (detector: 'ssd' | 'tiny', engine: 'tensorflow' | 'wasm') =>
  ({ faceApi: folder = '', threads }: Places): Program =>
    nodeProgram(
      { model: folder, threads },
      'face-api.ts',
      engine === 'wasm' ? {} : asShipped,
      detector,
      engine,
      'THREADS',
    );

/** Other networks than facenet, each with its own way from a photo to an embedding. */
const other = { precision: 'float32', facenet: false, photos: true } as const;

export const otherNetworks: readonly Party[] = [
  {
    id: 'own-compact',
    label: 'this project, compact',
    ...other,
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
    id: 'face-api-ssd',
    label: 'face-api, SSD MobileNet',
    ...other,
    needs: ['face-api'],
    program: faceApi('ssd', 'tensorflow'),
  },
  {
    id: 'face-api-tiny',
    label: 'face-api, tiny detector',
    ...other,
    needs: ['face-api'],
    program: faceApi('tiny', 'tensorflow'),
  },
  {
    id: 'face-api-wasm',
    label: 'face-api, SSD MobileNet, wasm',
    ...other,
    needs: ['face-api'],
    program: faceApi('ssd', 'wasm'),
  },
  {
    id: 'face-recognition',
    label: 'face_recognition, dlib',
    ...other,
    needs: ['face-recognition'],
    program: ({ faceRecognition, threads }) =>
      pythonProgram({ python: faceRecognition, threads }, 'dlib_faces.py', []),
  },
];
