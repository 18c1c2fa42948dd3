/** What a party is, and how its process is started: by this Node or by the peers' Python. Starts nothing. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
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
  | 'face-api-wasm'
  | 'face-recognition';

/** What a party may need, and a machine may lack. */
export type Need = 'facenet' | 'compact' | 'python' | 'face-api' | 'face-recognition';

export interface Party {
  readonly id: PartyId;
  readonly label: string;
  readonly precision: 'float32' | 'bfloat16';
  readonly needs: readonly Need[];
  /** Whether its encoder is facenet: only such parties embed the same cut faces, and several photos at once. */
  readonly facenet: boolean;
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
