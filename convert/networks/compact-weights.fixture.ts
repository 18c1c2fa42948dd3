/** Weights in the shapes of the compact encoder's, made by a formula: for tests that need no published file. */
import type { TfjsTensor } from '../write/tfjs-weights.ts';

const BLOCKS = [
  ...[1, 2, 3].map((at) => [`conv32_${at}`, 32, 32] as const),
  ['conv64_down', 32, 64] as const,
  ...[1, 2, 3].map((at) => [`conv64_${at}`, 64, 64] as const),
  ['conv128_down', 64, 128] as const,
  ...[1, 2].map((at) => [`conv128_${at}`, 128, 128] as const),
  ['conv256_down', 128, 256] as const,
  ...[1, 2].map((at) => [`conv256_${at}`, 256, 256] as const),
  ['conv256_down_out', 256, 256] as const,
];

/** By the names of the published manifest; all stored in 8 bits. */
export function compactWeights(): Map<string, TfjsTensor> {
  const weights = new Map<string, TfjsTensor>();
  const add = (name: string, shape: readonly number[], scale: number, min: number) => {
    const length = shape.reduce((product, side) => product * side, 1);
    const data = Uint8Array.from({ length }, (_, at) => (at * 37 + name.length * 11) % 256);
    weights.set(name, {
      shape,
      data: Float32Array.from(data, (level) => level * scale + min),
      levels: { data, scale, min },
    });
  };
  const layer = (name: string, kernel: number, inputs: number, outputs: number) => {
    add(`${name}/conv/filters`, [kernel, kernel, inputs, outputs], 4e-4, -0.05);
    add(`${name}/conv/bias`, [outputs], 1e-6, -1e-4);
    add(`${name}/scale/weights`, [outputs], 0.02, 1);
    add(`${name}/scale/biases`, [outputs], 0.01, -1.2);
  };
  layer('conv32_down', 7, 3, 32);
  for (const [name, inputs, outputs] of BLOCKS) {
    layer(`${name}/conv1`, 3, inputs, outputs);
    layer(`${name}/conv2`, 3, outputs, outputs);
  }
  add('fc', [256, 128], 4e-4, -0.05);
  return weights;
}
