/**
 * Which public files the model and its tests are made from, under what names they lie in folders, and
 * where they are published. Fetches nothing.
 */
import { type RegistryPackage, registryPackages } from './registry/packages.ts';

const FACENET = 'timesler/facenet-pytorch';
/** The detector's weights have been the same since 2019; a commit cannot change. */
const FACENET_COMMIT = '787da06156087cd6b616fe6608213722bddc30cd';
const COURSE = 'visa-lab/CSE546-Cloud-Computing';
const COURSE_COMMIT = '5be397502eabac2386f8b09a3d978992afa3b8a0';

export interface PublishedFile {
  /** Names it may have in a folder; a downloaded one gets the first. */
  readonly names: readonly [string, ...string[]];
  /** Sub-folder of a folder with everything, beside the folder itself. */
  readonly group: 'checkpoints' | 'cse546' | 'portraits';
  /** Of its official home, below the origin, which is GitHub; absent where only a package has it. */
  readonly address?: string;
  /** A package of a public registry that has the same bytes. */
  readonly packaged?: { readonly from: RegistryPackage; readonly member: string };
  /** Of the published file; absent where no copy of it was at hand to be measured. */
  readonly identity?: { readonly bytes: number; readonly sha256: string };
  /** What a download may take at most where `identity` does not say it. */
  readonly mostBytes: number;
}

export const GITHUB = 'https://github.com';

const MEBIBYTE = 2 ** 20;

function file(
  names: PublishedFile['names'],
  group: PublishedFile['group'],
  address: string,
  bytes: number,
  sha256: string,
): PublishedFile {
  return { names, group, address, identity: { bytes, sha256 }, mostBytes: bytes };
}

const detector = (name: string, bytes: number, sha256: string): PublishedFile => ({
  ...file([name], 'checkpoints', `${FACENET}/raw/${FACENET_COMMIT}/data/${name}`, bytes, sha256),
  packaged: { from: registryPackages.facenetPytorch, member: `facenet_pytorch/data/${name}` },
});

/** A file that only a package has. */
export function packagedFile(
  name: string,
  group: PublishedFile['group'],
  packaged: Required<PublishedFile>['packaged'],
  bytes: number,
  sha256: string,
): PublishedFile {
  return { names: [name], group, packaged, identity: { bytes, sha256 }, mostBytes: bytes };
}

const compact = (name: string, bytes: number, sha256: string) =>
  packagedFile(
    name,
    'checkpoints',
    { from: registryPackages.faceApi, member: `package/model/${name}` },
    bytes,
    sha256,
  );

const course = (names: PublishedFile['names'], path: string, bytes: number, sha256: string) =>
  file(names, 'cse546', `${COURSE}/raw/${COURSE_COMMIT}/${path}`, bytes, sha256);

export const modelFilesPublished = {
  pnet: detector(
    'pnet.pt',
    28_570,
    'a2a71925e0b9996a42f63e47efc1ca19043e69558b5c523b978d611dfae49c8f',
  ),
  rnet: detector(
    'rnet.pt',
    403_147,
    'bbb937de72efc9ef83b186c49f5f558467a1d7e3453a8ece0d71a886633f6a86',
  ),
  onet: detector(
    'onet.pt',
    1_559_269,
    '165bfbe42940416ccfb977545cf0e976d5bf321f67083ae2aaaa5c764280118d',
  ),
  // Copies without its classifier layer are about: the self-test's embeddings tell which weights it has.
  encoder: {
    names: ['20180402-114759-vggface2.pt', 'encoder.pt', 'encoder.safetensors'],
    group: 'checkpoints',
    address: `${FACENET}/releases/download/v2.2.9/20180402-114759-vggface2.pt`,
    mostBytes: 256 * MEBIBYTE,
  },
  gallery: course(
    ['data.pt'],
    'model/data.pt',
    208_919,
    '6240b4713180c97713c658540b52a46a302d0210e6cac885ba80488325d36a5e',
  ),
} as const satisfies Record<string, PublishedFile>;

/** The compact encoder's: dlib's network, as @vladmandic/face-api stores it for TensorFlow.js. */
export const compactFilesPublished = {
  weights: compact(
    'face_recognition_model.bin',
    6_444_032,
    'b413e420d6840b2775fba32008db6f3cddb07d485967fb42cfcf379c16a8c589',
  ),
  manifest: compact(
    'face_recognition_model-weights_manifest.json',
    19_615,
    'cbaffa501b0b9275a12b63357a6843e7e30c054e1c9151e1a5f879b26e32986b',
  ),
} as const satisfies Record<string, PublishedFile>;

const courseResults = (count: number) =>
  `Classification Results on Face Dataset (${count} images).csv`;

export const courseFilesPublished = {
  100: {
    images: course(
      ['face_images_100.zip'],
      'dataset/face_images_100.zip',
      137_022,
      '9c937f903ddfbc1381aa1ef9e5a6c4984f38f3c4d888e2e34b379c6405eef1e0',
    ),
    results: course(
      ['results_100.csv', courseResults(100)],
      `dataset/${encodeURIComponent(courseResults(100))}`,
      1_373,
      'd98696646b754ce221a041f96257f3b55d3faea320583b61c173b11b4dd75ca0',
    ),
  },
  1000: {
    images: course(
      ['face_images_1000.zip'],
      'dataset/face_images_1000.zip',
      1_374_022,
      '477ef927a6fa93eec23bb477929549aa95165ce5050e44ef7f68f05b32bcd8ed',
    ),
    results: course(
      ['results_1000.csv', courseResults(1000)],
      `dataset/${encodeURIComponent(courseResults(1000))}`,
      14_614,
      'f2d6aa7828d03cca7266df3914db0bf2ded4c57422a2f7d0e657bf411554ae90',
    ),
  },
} as const satisfies Record<number, Record<string, PublishedFile>>;
