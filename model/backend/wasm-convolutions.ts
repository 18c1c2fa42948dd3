/**
 * Replaces TensorFlow.js's convolutions on WebAssembly by ones that take half the time. They work in its
 * memory, so that nothing is copied. Convolutions that they do not support, or of models that were not
 * adopted, are left to TensorFlow.js.
 */
import type {
  backend_util,
  KernelConfig,
  KernelFunc,
  NamedAttrMap,
  TensorInfo,
} from '@tensorflow/tfjs-core';
import { isMemory } from '../simd/kernels.ts';
import {
  CHANNEL_BYTES,
  CHANNELS,
  type Convolve,
  INPUTS,
  openConvolve,
  PIXELS,
} from './convolution-kernel.ts';

const KERNEL = 'FusedConv2D';
const BACKEND = 'wasm';

/** The part of the backend that is used; its own types do not include the memory. */
interface WasmBackend {
  readonly wasm: {
    readonly asm?: { readonly memory?: unknown };
    _malloc(bytes: number): number;
    _free(address: number): void;
  };
  makeOutput(shape: number[], dtype: 'float32'): TensorInfo;
  typedArrayFromHeap(tensor: TensorInfo): Float32Array;
}

type Core = typeof import('@tensorflow/tfjs-core');

/** Takes over a model's weights, which may be rearranged and must not be read by other code any more. */
export type Adopt = (weights: readonly TensorInfo[]) => void;

/**
 * Replaces the convolutions of the active backend, which must be wasm.
 * @returns undefined if WebAssembly has no relaxed SIMD here; nothing is replaced then
 */
export function useOwnConvolutions(tf: Core): Adopt | undefined {
  const backend = tf.backend() as unknown as WasmBackend;
  const memory = backend.wasm.asm?.memory;
  const original = tf.getKernel(KERNEL, BACKEND);
  if (!isMemory(memory) || original === undefined) return undefined;
  const convolve = openConvolve(memory);
  if (convolve === undefined) return undefined;
  const own = new Convolutions(backend, () => new Int32Array(memory.buffer), convolve);
  const kernelFunc: KernelFunc = (call) => {
    const inputs = call.inputs as unknown as ConvolutionInputs;
    if (!own.has(inputs.filter)) return original.kernelFunc(call);
    const info = infoOf(tf, inputs, call.attrs);
    return isFor(inputs, call.attrs, info) ? own.run(inputs, info) : original.kernelFunc(call);
  };
  tf.unregisterKernel(KERNEL, BACKEND);
  tf.registerKernel({ ...original, kernelFunc } satisfies KernelConfig);
  return (weights) => own.adopt(weights);
}

interface ConvolutionInputs {
  readonly x: TensorInfo;
  readonly filter: TensorInfo;
  readonly bias?: TensorInfo;
  readonly preluActivationWeights?: TensorInfo;
}

interface Info extends backend_util.Conv2DInfo {
  readonly relu: boolean;
}

function infoOf(tf: Core, { x, filter }: ConvolutionInputs, attrs: NamedAttrMap | undefined): Info {
  const { strides, dilations, pad, dimRoundingMode, activation } = attrs as {
    strides: [number, number];
    dilations: [number, number];
    pad: 'valid' | 'same' | number;
    dimRoundingMode?: 'floor' | 'round' | 'ceil';
    activation: string;
  };
  const info = tf.backend_util.computeConv2DInfo(
    x.shape as [number, number, number, number],
    filter.shape as [number, number, number, number],
    strides,
    dilations,
    pad,
    dimRoundingMode,
  );
  return { ...info, relu: activation === 'relu' };
}

function isFor({ bias }: ConvolutionInputs, attrs: NamedAttrMap | undefined, info: Info): boolean {
  const { dataFormat, activation } = attrs as { dataFormat: string; activation: string };
  return (
    dataFormat === 'NHWC' &&
    (activation === 'linear' || activation === 'relu') &&
    bias !== undefined &&
    info.dilationHeight * info.dilationWidth === 1 &&
    info.inChannels % INPUTS === 0 &&
    info.outChannels % CHANNELS === 0
  );
}

class Convolutions {
  readonly #backend: WasmBackend;
  /** A new view whenever the memory has grown. */
  readonly #words: () => Int32Array;
  readonly #convolve: Record<'linear' | 'relu', Convolve>;
  /** For each adopted weight tensor, whether it is rearranged. */
  readonly #arranged = new WeakMap<object, boolean>();
  /** Memory for addresses of pixels, and for two spare pixels: one read outside the image, one written past the end. */
  #space = { address: 0, bytes: 0 };

  constructor(
    backend: WasmBackend,
    words: () => Int32Array,
    convolve: Record<'linear' | 'relu', Convolve>,
  ) {
    this.#backend = backend;
    this.#words = words;
    this.#convolve = convolve;
  }

  adopt(weights: readonly TensorInfo[]): void {
    for (const { dataId } of weights) this.#arranged.set(dataId, false);
  }

  has({ dataId }: TensorInfo): boolean {
    return this.#arranged.has(dataId);
  }

  run({ x, filter, bias }: ConvolutionInputs, info: Info): TensorInfo {
    const { filterHeight, filterWidth, inChannels, outChannels } = info;
    const output = this.#backend.makeOutput(info.outShape, 'float32');
    const taps = filterHeight * filterWidth;
    const tiles = Math.ceil((info.batchSize * info.outHeight * info.outWidth) / PIXELS);
    const nothing = Math.max(inChannels, outChannels) * 4;
    const inputs = this.#reserve(2 * nothing + tiles * (taps + 1) * PIXELS * 4) + 2 * nothing;
    const outputs = inputs + tiles * taps * PIXELS * 4;
    const words = this.#words();
    const zeros = inputs - 2 * nothing;
    words.fill(0, zeros / 4, (zeros + nothing) / 4);
    writeInputs(words.subarray(inputs / 4), this.#addressOf(x), zeros, info);
    writeOutputs(words.subarray(outputs / 4), this.#addressOf(output), zeros + nothing, info);
    this.#arrange(filter, info);
    const [weights, biases] = [this.#addressOf(filter), this.#addressOf(bias!)];
    const convolve = info.relu ? this.#convolve.relu : this.#convolve.linear;
    const quads = inChannels / INPUTS;
    for (let offset = 0; offset < outChannels * 4; offset += CHANNEL_BYTES) {
      const from = weights + offset * taps * inChannels;
      convolve(inputs, tiles, taps, quads, from, biases + offset, outputs, offset);
    }
    return output;
  }

  /** Done once: the loop reads eight output channels at a time, which are far apart in [taps, in, out]. */
  #arrange(filter: TensorInfo, { outChannels }: Info): void {
    if (this.#arranged.get(filter.dataId)) return;
    const values = this.#backend.typedArrayFromHeap(filter);
    const before = values.slice();
    const rows = before.length / outChannels;
    let to = 0;
    for (let first = 0; first < outChannels; first += CHANNELS) {
      for (let row = 0; row < rows; row++) {
        const from = row * outChannels + first;
        for (let channel = 0; channel < CHANNELS; channel++) values[to++] = before[from + channel]!;
      }
    }
    this.#arranged.set(filter.dataId, true);
  }

  #addressOf(tensor: TensorInfo): number {
    return this.#backend.typedArrayFromHeap(tensor).byteOffset;
  }

  #reserve(bytes: number): number {
    if (bytes > this.#space.bytes) {
      this.#backend.wasm._free(this.#space.address);
      this.#space = { address: this.#backend.wasm._malloc(bytes), bytes };
    }
    return this.#space.address;
  }
}

/** For each tile, tap and pixel, the address of its input channels; `zeros` outside the image. */
function writeInputs(to: Int32Array, x: number, zeros: number, info: Info): void {
  const { filterHeight, filterWidth, strideHeight, strideWidth, outWidth, padInfo } = info;
  const { inHeight, inWidth } = info;
  const pixelBytes = info.inChannels * 4;
  const taps = filterHeight * filterWidth;
  const perImage = info.outHeight * outWidth;
  const count = info.batchSize * perImage;
  for (let pixel = 0; pixel < count; pixel++) {
    const image = Math.floor(pixel / perImage);
    const place = pixel - image * perImage;
    const outRow = Math.floor(place / outWidth);
    const top = outRow * strideHeight - padInfo.top;
    const left = (place - outRow * outWidth) * strideWidth - padInfo.left;
    let at = Math.floor(pixel / PIXELS) * taps * PIXELS + (pixel % PIXELS);
    for (let y = top; y < top + filterHeight; y++) {
      const line = x + (image * inHeight + y) * inWidth * pixelBytes;
      for (let column = left; column < left + filterWidth; column++, at += PIXELS) {
        const isInside = y >= 0 && y < inHeight && column >= 0 && column < inWidth;
        to[at] = isInside ? line + column * pixelBytes : zeros;
      }
    }
  }
  for (let pixel = count; pixel % PIXELS !== 0; pixel++) {
    const first = Math.floor(pixel / PIXELS) * taps * PIXELS + (pixel % PIXELS);
    for (let tap = 0; tap < taps; tap++) to[first + tap * PIXELS] = zeros;
  }
}

/** For each pixel, the address of its output channels; the pixels that fill the last tile are discarded. */
function writeOutputs(to: Int32Array, output: number, nowhere: number, info: Info): void {
  const count = info.batchSize * info.outHeight * info.outWidth;
  const pixelBytes = info.outChannels * 4;
  for (let pixel = 0; pixel < count; pixel++) to[pixel] = output + pixel * pixelBytes;
  for (let pixel = count; pixel % PIXELS !== 0; pixel++) to[pixel] = nowhere;
}
