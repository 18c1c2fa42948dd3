/**
 * npm's @vladmandic/face-api as its users run it on Node, with the models of its package: every face gets 68
 * landmarks and a descriptor. On tfjs-node it uses this project's TensorFlow library, so that engines are equal, and
 * TensorFlow decodes the photo; on WebAssembly sharp does, since nothing in the package can.
 * Arguments: the package's folder, detector (ssd or tiny), engine (tensorflow or wasm), threads.
 */
import { readFile } from 'node:fs/promises';
import { createRequire, registerHooks } from 'node:module';
import { dirname, join, sep } from 'node:path';
import type { Tensor3D } from '@tensorflow/tfjs-core';
import sharp from 'sharp';
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

const [folder = '', detector = '', engine = '', threads = '1'] = process.argv.slice(2);
const require = createRequire(import.meta.url);

// The package is in a folder of its own, where this project's dependencies cannot be resolved.
const engines = ['tfjs', 'tfjs-node', 'tfjs-backend-wasm'].map((name) => `@tensorflow/${name}`);
const places = new Map(engines.map((name) => [name, require.resolve(name)]));
registerHooks({
  resolve: (specifier, context, next) => next(places.get(specifier) ?? specifier, context),
});
const { tf, decode, file } = engine === 'wasm' ? openWasm() : openTensorflow();
const faceapi = require(join(folder, 'dist', file)) as FaceApi;
await tf.setBackend(engine);
await tf.ready();
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
      const photo = await decode(bytes);
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
        ...(described[0] && { embedding: [...described[0].descriptor] }),
      };
    },
  },
  `face-api 1.7.15, tfjs ${tf.version_core}`,
);

function openTensorflow() {
  const tfjs = loadTfjsNode(Number(threads));
  return {
    tf: tfjs as typeof import('@tensorflow/tfjs-core'),
    decode: async (bytes: Uint8Array) => tfjs.node.decodeImage(bytes, 3) as Tensor3D,
    file: 'face-api.node.js',
  };
}

function openWasm() {
  // By `require`, as the package does it: an `import` would be another instance of the same library.
  const core = require('@tensorflow/tfjs') as typeof import('@tensorflow/tfjs-core');
  const wasm = require('@tensorflow/tfjs-backend-wasm') as {
    setWasmPaths(folder: string): void;
  };
  wasm.setWasmPaths(dirname(require.resolve('@tensorflow/tfjs-backend-wasm')) + sep);
  return {
    tf: core,
    async decode(bytes: Uint8Array) {
      const { data, info } = await sharp(bytes)
        .removeAlpha()
        .toColorspace('srgb')
        .raw()
        .toBuffer({ resolveWithObject: true });
      return core.tensor3d(data, [info.height, info.width, 3], 'int32');
    },
    file: 'face-api.node-wasm.js',
  };
}
