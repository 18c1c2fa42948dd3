/** The parties: how each is started, and what each can do. Starts nothing. */
import { mallocSettings } from '../../model/native/malloc-settings.ts';
import { otherNetworks } from './other-networks.ts';
import { nodeProgram, type Party, type Places, pythonProgram } from './party-program.ts';
import type { Program } from './peer.ts';

const node =
  (file: string, environment: Record<string, string>, ...args: string[]) =>
  (places: Places): Program =>
    nodeProgram(places, file, environment, ...args);

const torch = (precision: string) => (places: Places) =>
  pythonProgram(places, 'facenet.py', [places.checkpoint, places.model, precision]);
const openvino = (precision: string) => (places: Places) =>
  pythonProgram(places, 'openvino_encoder.py', [places.onnx ?? '', precision]);

const own = { needs: ['facenet'], facenet: true, photos: true } as const;
const peer = { needs: ['python'], facenet: true, photos: false } as const;

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
    facenet: true,
    photos: true,
    program: torch('float32'),
  },
  {
    id: 'torch-bfloat16',
    label: 'facenet-pytorch, bfloat16 autocast',
    precision: 'bfloat16',
    needs: ['python'],
    facenet: true,
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
    facenet: true,
    photos: false,
    program: node('tfjs.ts', mallocSettings, 'eager', 'THREADS'),
  },
  {
    id: 'tfjs-wasm-unfolded',
    label: 'tfjs wasm, batch norm not folded',
    precision: 'float32',
    needs: ['facenet'],
    facenet: true,
    photos: false,
    program: node('tfjs.ts', {}, 'unfolded', 'THREADS'),
  },
  ...otherNetworks,
];

export const partyIds = parties.map(({ id }) => id);

/** This project in float32: cuts and embeds the faces for the others. */
export function ownProgram(places: Places): Program {
  return parties.find(({ id }) => id === 'own-float32')!.program(places);
}
