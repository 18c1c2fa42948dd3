/**
 * npm's @vladmandic/face-api as its users run it on Node: TensorFlow decodes the photo, and every face gets 68
 * landmarks and a descriptor. Uses this project's TensorFlow library and tfjs-node, so that engines are equal.
 * Arguments: the package's folder, detector (ssd or tiny), threads.
 */
import { readFile } from 'node:fs/promises';
import { createRequire, registerHooks } from 'node:module';
import { join } from 'node:path';
import type { Tensor3D } from '@tensorflow/tfjs-core';
import { loadTfjsNode } from '../../../model/native/load.ts';
import { serve } from './serve.ts';

/** The part of the package that is used; its own types need a browser's. */
interface FaceApi {
  readonly nets: Readonly<
    Record<
      'ssdMobilenetv1' | 'tinyFaceDetector' | 'faceLandmark68Net' | 'faceRecognitionNet',
      { loadFromDisk(folder: string): Promise<void> }
    >
  >;
  readonly SsdMobilenetv1Options: new () => object;
  readonly TinyFaceDetectorOptions: new () => object;
  detectAllFaces(photo: Tensor3D, options: object): PromiseLike<object[]>;
  extendWithFaceDetection(face: object, detection: object): object;
  readonly DetectAllFaceLandmarksTask: new (
    faces: Promise<object[]>,
    photo: Tensor3D,
    tiny: boolean,
  ) => PromiseLike<object[]>;
  readonly ComputeAllFaceDescriptorsTask: new (
    faces: Promise<object[]>,
    photo: Tensor3D,
  ) => PromiseLike<{ readonly descriptor: Float32Array }[]>;
}

const [folder = '', detector = '', threads = '1'] = process.argv.slice(2);
const require = createRequire(import.meta.url);

const tf = loadTfjsNode(Number(threads));
const engine = require.resolve('@tensorflow/tfjs-node');
// The package is in a folder of its own, where this project's dependencies cannot be resolved.
registerHooks({
  resolve: (specifier, context, next) =>
    next(specifier === '@tensorflow/tfjs-node' ? engine : specifier, context),
});
const faceapi = require(join(folder, 'dist/face-api.node.js')) as FaceApi;
await tf.setBackend('tensorflow');
const { nets } = faceapi;
const found = detector === 'tiny' ? nets.tinyFaceDetector : nets.ssdMobilenetv1;
for (const net of [found, nets.faceLandmark68Net, nets.faceRecognitionNet]) {
  await net.loadFromDisk(join(folder, 'model'));
}
const options =
  detector === 'tiny' ? new faceapi.TinyFaceDetectorOptions() : new faceapi.SsdMobilenetv1Options();

await serve(
  {
    /** The steps of `detectAllFaces(photo).withFaceLandmarks().withFaceDescriptors()`, one by one. */
    async photo({ path, all = false }) {
      const bytes = await readFile(path);
      const begun = performance.now();
      const photo = tf.node.decodeImage(bytes, 3) as Tensor3D;
      const decoded = performance.now();
      const detections = await faceapi.detectAllFaces(photo, options);
      // Sorted by probability, highest first.
      const wanted = (all ? detections : detections.slice(0, 1)).map((detection) =>
        faceapi.extendWithFaceDetection({}, detection),
      );
      const faces = await new faceapi.DetectAllFaceLandmarksTask(
        Promise.resolve(wanted),
        photo,
        false,
      );
      const detected = performance.now();
      const described = await new faceapi.ComputeAllFaceDescriptorsTask(
        Promise.resolve(faces),
        photo,
      );
      const ended = performance.now();
      tf.dispose(photo);
      if (described.some(({ descriptor }) => descriptor.length !== 128)) {
        throw new Error(`${path} has a face without a descriptor`);
      }
      return {
        timings: {
          decode: decoded - begun,
          detect: detected - decoded,
          embed: ended - detected,
          match: 0,
        },
        whole: ended - begun,
        faces: detections.length,
        name: null,
        distance: null,
      };
    },
  },
  `face-api 1.7.15, tfjs ${tf.version['tfjs-core']}`,
);
