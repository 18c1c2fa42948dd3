/**
 * Collects the nodes, weights and constants of one network's graph under its name. Knows no layer.
 */
import type {
  Attribute,
  Constant,
  GraphNode,
  GraphTensor,
  Levels,
  Network,
  Weight,
} from './graph.ts';

export class GraphBuilder {
  readonly #name: string;
  /** Of the layers that are added next. */
  #type: Weight['type'] = 'float32';
  readonly #nodes: GraphNode[] = [];
  readonly #weights: Weight[] = [];
  readonly #constants = new Map<string, Constant>();
  #input: GraphTensor | undefined;

  constructor(name: string) {
    this.#name = name;
  }

  /** @param shape with −1 where a length is free */
  input(name: string, shape: readonly number[]): string {
    const node = this.emit(name, 'Placeholder', [], { dtype: this.dtype, shape: { shape } });
    this.#input = { name: node, shape };
    return node;
  }

  /** What follows computes in `type`; its input too. @returns the input in that type */
  cast(name: string, input: string, type: Weight['type']): string {
    if (type === this.#type) return input;
    const from = this.dtype;
    this.#type = type;
    return this.emit(name, 'Cast', [input], {
      SrcT: from,
      DstT: this.dtype,
      Truncate: { flag: false },
    });
  }

  /** @param outputs names given to layers, with the shapes of their results */
  finish(outputs: readonly GraphTensor[]): Network {
    if (this.#input === undefined) throw new Error(`Network ${this.#name} has no input.`);
    return {
      name: this.#name,
      input: this.#input,
      outputs: outputs.map(({ name, shape }) => ({ name: `${this.#name}/${name}`, shape })),
      nodes: this.#nodes,
      weights: this.#weights,
      constants: [...this.#constants.values()],
    };
  }

  /** Of the layers that are added next. */
  get type(): Weight['type'] {
    return this.#type;
  }

  /** The same as a node's attribute. */
  protected get dtype(): Attribute {
    return { type: this.#type };
  }

  /** @returns the node's full name, which others take it as an input by */
  protected emit(
    name: string,
    op: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>>,
  ): string {
    const full = `${this.#name}/${name}`;
    this.#nodes.push({ name: full, op, inputs, attributes });
    return full;
  }

  protected weight(
    name: string,
    shape: readonly number[],
    data: Float32Array,
    levels?: Levels | undefined,
  ): string {
    const full = `${this.#name}/${name}`;
    this.#weights.push({ name: full, shape, data, type: this.#type, ...(levels && { levels }) });
    return full;
  }

  protected ints(name: string, shape: readonly number[], values: readonly number[]): string {
    return this.constant(name, shape, Int32Array.from(values));
  }

  protected constant(
    name: string,
    shape: readonly number[],
    data: Float32Array | Int32Array,
  ): string {
    const full = `${this.#name}/${name}`;
    this.#constants.set(full, { name: full, shape, data });
    return full;
  }
}
