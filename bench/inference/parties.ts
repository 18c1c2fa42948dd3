/** The parties: how each is started, and what each can do. Starts nothing. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { mallocSettings } from '../../model/native/malloc-settings.ts';
import type { Program } from './peer.ts';

export type PartyId =
  | 'own-float32'
  | 'own-bfloat16'
  | 'own-wasm'
  | 'torch-float32'
  | 'torch-bfloat16'
  | 'onnxruntime-float32'
  | 'openvino-float32'
  | 'openvino-bfloat16'
  | 'tfjs-node-eager'
  | 'tfjs-wasm-unfolded'
  | 'own-compact'
  | 'face-api-ssd'
  | 'face-api-tiny'
  | 'face-recognition';

/** What a party may need, and a machine may lack. */
export type Need = 'facenet' | 'compact' | 'python' | 'face-api' | 'face-recognition';

export interface Party {
  readonly id: PartyId;
  readonly label: string;
  readonly precision: 'float32' | 'bfloat16';
  readonly needs: readonly Need[];
  /** Whether it takes whole photos too, not only faces. */
  readonly photos: boolean;
  readonly program: (places: Places) => Program;
}

/** Paths of what the programs need; undefined if not available. */
export interface Places {
  /** The converted model, with facenet's encoder. */
  readonly model: string;
  /** The encoder's checkpoint. */
  readonly checkpoint: string;
  /** The encoder in ONNX. */
  readonly onnx?: string | undefined;
  /** A Python with the peers' packages. */
  readonly python?: string | undefined;
  /** The converted model with the compact encoder. */
  readonly compact?: string | undefined;
  /** The folder of npm's @vladmandic/face-api. */
  readonly faceApi?: string | undefined;
  /** A Python with face_recognition and dlib. */
  readonly faceRecognition?: string | undefined;
  readonly threads: number;
}

const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

/** A program of party/, run by this Node on the converted model; THREADS in its arguments is replaced. */
export function nodeProgram(
  { model, threads }: Pick<Places, 'model' | 'threads'>,
  file: string,
  environment: Record<string, string>,
  ...args: string[]
): Program {
  return {
    command: process.execPath,
    args: [
      here(`party/${file}`),
      model,
      ...args.map((one) => one.replace('THREADS', String(threads))),
    ],
    environment: {
      ...environment,
      TF_NUM_INTRAOP_THREADS: String(threads),
      TF_NUM_INTEROP_THREADS: '1',
    },
  };
}

const node =
  (file: string, environment: Record<string, string>, ...args: string[]) =>
  (places: Places): Program =>
    nodeProgram(places, file, environment, ...args);

/** A script of python/, with the number of threads set in every variable that an engine reads. */
export function pythonProgram(
  { python, threads }: Pick<Places, 'python' | 'threads'>,
  file: string,
  args: string[],
): Program {
  return {
    command: python ?? 'python3',
    args: [join(here('python'), file), ...args],
    environment: {
      BENCH_THREADS: String(threads),
      OMP_NUM_THREADS: String(threads),
      MKL_NUM_THREADS: String(threads),
      PYTHONDONTWRITEBYTECODE: '1',
    },
  };
}

const torch = (precision: string) => (places: Places) =>
  pythonProgram(places, 'facenet.py', [places.checkpoint, places.model, precision]);
const openvino = (precision: string) => (places: Places) =>
  pythonProgram(places, 'openvino_encoder.py', [places.onnx ?? '', precision]);

const own = { needs: ['facenet'], photos: true } as const;
const peer = { needs: ['python'], photos: false } as const;

export const parties: readonly Party[] = [
  {
    id: 'own-float32',
    label: 'this project, float32',
    precision: 'float32',
    ...own,
    program: node('own.ts', mallocSettings, 'tensorflow', 'THREADS', 'float32'),
  },
  {
    id: 'own-bfloat16',
    label: 'this project, bfloat16',
    precision: 'bfloat16',
    ...own,
    program: node('own.ts', mallocSettings, 'tensorflow', 'THREADS', 'bfloat16'),
  },
  {
    id: 'own-wasm',
    label: 'this project, wasm',
    precision: 'float32',
    ...own,
    program: node('own.ts', {}, 'wasm', 'THREADS', 'float32'),
  },
  {
    id: 'torch-float32',
    label: 'facenet-pytorch',
    precision: 'float32',
    needs: ['python'],
    photos: true,
    program: torch('float32'),
  },
  {
    id: 'torch-bfloat16',
    label: 'facenet-pytorch, bfloat16 autocast',
    precision: 'bfloat16',
    needs: ['python'],
    photos: true,
    program: torch('bfloat16'),
  },
  {
    id: 'onnxruntime-float32',
    label: 'onnxruntime',
    precision: 'float32',
    ...peer,
    program: (places) => pythonProgram(places, 'onnx_encoder.py', [places.onnx ?? '']),
  },
  {
    id: 'openvino-float32',
    label: 'OpenVINO',
    precision: 'float32',
    ...peer,
    program: openvino('float32'),
  },
  {
    id: 'openvino-bfloat16',
    label: 'OpenVINO, bfloat16',
    precision: 'bfloat16',
    ...peer,
    program: openvino('bfloat16'),
  },
  {
    id: 'tfjs-node-eager',
    label: 'tfjs-node, op by op',
    precision: 'float32',
    needs: ['facenet'],
    photos: false,
    program: node('tfjs.ts', mallocSettings, 'eager', 'THREADS'),
  },
  {
    id: 'tfjs-wasm-unfolded',
    label: 'tfjs wasm, batch norm not folded',
    precision: 'float32',
    needs: ['facenet'],
    photos: false,
    program: node('tfjs.ts', {}, 'unfolded', 'THREADS'),
  },
];

export const partyIds = parties.map(({ id }) => id);

/** This project in float32: cuts and embeds the faces for the others. */
export function ownProgram(places: Places): Program {
  return parties.find(({ id }) => id === 'own-float32')!.program(places);
}
