/**
 * A network as a plan for the encoder's own kernels (model/native/encoder). Branches write into the map in which
 * they are joined, and a residual sum into the map that it is added to. Knows no file format.
 */
import type { EncoderPlan, PlanWeights } from '../../model/native/encoder/plan.ts';
import type { Attribute, GraphNode, Network } from './graph.ts';
import { exactBiasOf } from './network-builder.ts';
import { type PlannedMap, type PlannedStep, withSharedMaps } from './plan-maps.ts';

/** In some channels of a map. */
interface Result {
  readonly map: PlannedMap;
  readonly channel: number;
  readonly channels: number;
  /** Side of the upper left corner that its readers see, where that is not the whole map. */
  readonly corner?: number;
}

/** What a vector's length is computed with; a plan has one step for all of them. */
const PARTS_OF_LENGTH = new Set(['Square', 'Sum', 'Sqrt', 'Maximum']);
const NO_WEIGHTS: PlanWeights = { at: 0, storage: 'float32' };
const NO_WINDOW = {
  ...{ height: 0, width: 0, stride: 0, top: 0, left: 0 },
  ...{ filter: NO_WEIGHTS, bias: NO_WEIGHTS },
};

/** Where a weight is in the weights file. */
export type WeightsOf = (weight: string) => PlanWeights;

/**
 * @param network with fused convolutions, see `withFusedConvolutions`
 * @throws {Error} when the network has an operation that the kernels lack
 */
export function planOf(network: Network, weightsOf: WeightsOf): EncoderPlan {
  return new Planner(network, weightsOf).plan();
}

class Planner {
  readonly #network: Network;
  readonly #weightsOf: WeightsOf;
  readonly #shapes: ReadonlyMap<string, readonly number[]>;
  /** Into what a node's result is joined with others, and from which channel on. */
  readonly #joins = new Map<string, { readonly whole: GraphNode; readonly channel: number }>();
  readonly #results = new Map<string, Result>();
  readonly #steps: PlannedStep[] = [];

  constructor(network: Network, weightsOf: WeightsOf) {
    this.#network = network;
    this.#weightsOf = weightsOf;
    this.#shapes = new Map(network.weights.map(({ name, shape }) => [name, shape]));
  }

  plan(): EncoderPlan {
    const { input, nodes } = this.#network;
    const [, height = 0, width = 0, channels = 0] = input.shape;
    const image: PlannedMap = {
      ...{ height, width, channels, border: { y: 0, x: 0 } },
      type: 'float32',
    };
    this.#results.set(input.name, { map: image, channel: 0, channels });
    for (const node of nodes.filter(({ op }) => op === 'ConcatV2')) {
      let channel = 0;
      for (const part of partsOf(node)) {
        this.#joins.set(part, { whole: node, channel });
        channel += this.#channelsOf(part);
      }
    }
    for (const node of nodes) this.#add(node);
    return withSharedMaps(image, this.#steps);
  }

  #add(node: GraphNode): void {
    const { op } = node;
    if (op === 'Placeholder' || op === 'ConcatV2' || PARTS_OF_LENGTH.has(op)) return;
    if (op === '_MklNativeFusedConv2D') this.#convolution(node);
    else if (op === 'MaxPool') this.#maximum(node);
    else if (op === 'Cast') this.#cast(node);
    else this.#addTail(node);
  }

  /** What follows the convolutions, and what only names a part. */
  #addTail({ name, op, inputs }: GraphNode): void {
    const from = this.#mapOf(inputs[0]!);
    const { channels } = from;
    const step = { ...NO_WINDOW, from, channel: 0, outputs: channels, add: false, relu: false };
    if (op === 'Slice') {
      const corner = this.#network.constants.find((one) => one.name === inputs[2])?.data[1];
      this.#results.set(name, { map: from, channel: 0, channels, ...(corner && { corner }) });
    } else if (op === 'BiasAdd') {
      // A part of the product before it.
      this.#results.set(name, { map: from, channel: 0, channels });
    } else if (op === 'Mean' || op === 'RealDiv') {
      const { map } = this.#newResult(name, 1, 1, channels);
      this.#steps.push({ ...step, kind: op === 'Mean' ? 'mean' : 'normalise', to: map });
    } else if (op === 'MatMul') {
      this.#dense(name, inputs[1]!, step);
    } else {
      throw new Error(`The encoder’s kernels have no ${op}.`);
    }
  }

  #convolution({ name, inputs, attributes }: GraphNode): void {
    const [input, filter, bias, added] = inputs as [string, string, string, string?];
    const from = this.#mapOf(input);
    const [height = 0, width = 0, , outputs = 0] = this.#shapes.get(filter)!;
    const { stride, same } = windowOf(attributes);
    const [top, left] = same ? [(height - 1) / 2, (width - 1) / 2] : [0, 0];
    const { corner = Number.POSITIVE_INFINITY } = this.#results.get(input)!;
    const side = (length: number, taps: number) =>
      same ? length : Math.floor((Math.min(length, corner) - taps) / stride) + 1;
    const { map, channel } =
      added === undefined
        ? this.#newResult(name, side(from.height, height), side(from.width, width), outputs)
        : this.#sumResult(name, added);
    this.#steps.push({
      ...{ kind: 'convolution', from, to: map, channel },
      ...{ height, width, stride, top, left, outputs },
      add: added !== undefined,
      relu: textsOf(attributes.fused_ops).includes('Relu'),
      filter: this.#weightsOf(filter),
      bias: this.#weightsOf(this.#shapes.has(exactBiasOf(bias)) ? exactBiasOf(bias) : bias),
    });
  }

  #maximum({ name, inputs, attributes }: GraphNode): void {
    const from = this.#mapOf(inputs[0]!);
    const { stride, same } = windowOf(attributes);
    const [, size = 0] = intsOf(attributes.ksize);
    if (same) throw new Error('The encoder’s kernels have only poolings of whole windows.');
    const side = (length: number) => Math.floor((length - size) / stride) + 1;
    const { channels } = from;
    const { map, channel } = this.#newResult(name, side(from.height), side(from.width), channels);
    this.#steps.push({
      ...NO_WINDOW,
      ...{ kind: 'maximum', from, to: map, channel, outputs: channels },
      ...{ height: size, width: size, stride, add: false, relu: false },
    });
  }

  /** The same numbers in a map of the other type. */
  #cast({ name, inputs }: GraphNode): void {
    const from = this.#mapOf(inputs[0]!);
    const { height, width, channels } = from;
    const { map } = this.#newResult(name, height, width, channels);
    this.#steps.push({
      ...NO_WINDOW,
      ...{ kind: 'cast', from, to: map, channel: 0, outputs: channels, add: false, relu: false },
    });
  }

  /** A convolution of one pixel. */
  #dense(name: string, matrix: string, step: Omit<PlannedStep, 'kind' | 'to'>): void {
    const [, outputs = 0] = this.#shapes.get(matrix)!;
    const bias = this.#readersOf(name).find(({ op }) => op === 'BiasAdd');
    if (bias === undefined) throw new Error(`${name} has no bias.`);
    const { map } = this.#newResult(name, 1, 1, outputs);
    this.#steps.push({
      ...step,
      ...{ kind: 'convolution', to: map, height: 1, width: 1, stride: 1, outputs },
      ...{ filter: this.#weightsOf(matrix), bias: this.#weightsOf(bias.inputs[1]!) },
    });
  }

  /** All channels of a map. */
  #mapOf(name: string): PlannedMap {
    const result = this.#results.get(name);
    if (result === undefined || result.channels !== result.map.channels) {
      throw new Error(`The encoder’s kernels cannot read ${name}.`);
    }
    return result.map;
  }

  #newResult(name: string, height: number, width: number, channels: number): Result {
    const join = this.#joins.get(name);
    const last = join?.whole.name ?? name;
    const known = this.#results.get(last);
    const all = join === undefined ? channels : this.#channelsOf(last);
    const border = this.#borderOf(last);
    const map = known?.map ?? { height, width, channels: all, border, type: this.#typeOf(last) };
    this.#results.set(last, { map, channel: 0, channels: all });
    const result = { map, channel: join?.channel ?? 0, channels };
    if (join !== undefined) this.#results.set(name, result);
    return result;
  }

  /** The sum takes the place of what is added, which nothing reads afterwards. */
  #sumResult(name: string, added: string): Result {
    const map = this.#mapOf(added);
    const border = this.#borderOf(name);
    const [last] = this.#readersOf(added).slice(-1);
    if (last?.name !== name || border.y !== map.border.y || border.x !== map.border.x) {
      throw new Error(`The encoder’s kernels cannot add to ${added} in its place.`);
    }
    const result = { map, channel: 0, channels: map.channels };
    this.#results.set(name, result);
    return result;
  }

  /** What windows of its readers cover beyond it. */
  #borderOf(name: string): PlannedMap['border'] {
    const kernels = this.#readersOf(name)
      .filter(({ op, attributes }) => op === '_MklNativeFusedConv2D' && windowOf(attributes).same)
      .map(({ inputs }) => this.#shapes.get(inputs[1]!)!);
    const most = (axis: number) => Math.max(0, ...kernels.map((shape) => (shape[axis]! - 1) / 2));
    return { y: most(0), x: most(1) };
  }

  #typeOf(name: string): PlannedMap['type'] {
    const { DstT, T } = this.#network.nodes.find((one) => one.name === name)!.attributes;
    const attribute = DstT ?? T;
    const isHalf = attribute !== undefined && 'type' in attribute && attribute.type === 'bfloat16';
    return isHalf ? 'bfloat16' : 'float32';
  }

  #readersOf(name: string): readonly GraphNode[] {
    return this.#network.nodes.filter(({ inputs }) => inputs.includes(name));
  }

  #channelsOf(name: string): number {
    const node = this.#network.nodes.find((one) => one.name === name)!;
    if (node.op === 'ConcatV2') {
      return partsOf(node).reduce((sum, part) => sum + this.#channelsOf(part), 0);
    }
    return this.#shapes.get(node.inputs[1] ?? '')?.at(-1) ?? this.#channelsOf(node.inputs[0]!);
  }
}

/** Without the axis. */
function partsOf({ inputs }: GraphNode): readonly string[] {
  return inputs.slice(0, -1);
}

function windowOf(attributes: GraphNode['attributes']): { stride: number; same: boolean } {
  const [, stride = 1] = intsOf(attributes.strides);
  const same = attributes.padding !== undefined && textOf(attributes.padding) === 'SAME';
  if (same && stride !== 1) throw new Error('The encoder’s kernels pad only with a stride of 1.');
  return { stride, same };
}

function intsOf(attribute: Attribute | undefined): readonly number[] {
  return attribute !== undefined && 'ints' in attribute ? attribute.ints : [];
}

function textOf(attribute: Attribute): string {
  return 'text' in attribute ? attribute.text : '';
}

function textsOf(attribute: Attribute | undefined): readonly string[] {
  return attribute !== undefined && 'texts' in attribute ? attribute.texts : [];
}
