/** The part of a SavedModel's graph that fills its variables from the weights file. */
import { type Attribute, constantNode, elementCount, type GraphNode } from './graph.ts';
import { lengthOf, type PlacedWeight, type WeightsLayout } from './weights.ts';

export const ASSET_NODE = 'weights/file';
export const INIT_NODE = 'weights/init';
/** SplitV's word for what the other pieces leave. */
const THE_REST = -1;

const int: Attribute = { type: 'int32' };
const string: Attribute = { type: 'string' };

export function variableNodes({ weight: { name, shape, type } }: PlacedWeight): GraphNode[] {
  return [
    {
      name,
      op: 'VarHandleOp',
      inputs: [],
      attributes: {
        dtype: { type },
        shape: { shape },
        container: { text: '' },
        shared_name: { text: name },
      },
    },
    { name: `${name}/read`, op: 'ReadVariableOp', inputs: [name], attributes: { dtype: { type } } },
  ];
}

/**
 * Reads the file once, splits it, and hands every variable its piece in the type it is computed with;
 * `INIT_NODE` is done when all are filled. One split, not a slice for each: TensorFlow goes over every
 * node of the graph when it is loaded and at the first call of each network.
 */
export function initNodes(layout: WeightsLayout): GraphNode[] {
  const { weights } = layout;
  if (lengthOf(layout) >= 2 ** 31) throw new Error('More weights than a 32-bit offset reaches.');
  const storages = [...new Set(weights.map(({ storage }) => storage))];
  return [
    {
      name: ASSET_NODE,
      op: 'Placeholder',
      inputs: [],
      attributes: { dtype: string, shape: { shape: [] } },
    },
    { name: 'weights/bytes', op: 'ReadFile', inputs: [ASSET_NODE], attributes: {} },
    ...storages.flatMap((storage) => storedNodes(layout, storage)),
    {
      name: INIT_NODE,
      op: 'NoOp',
      inputs: weights.map(({ weight }) => `^weights/init/${weight.name}/assign`),
      attributes: {},
    },
  ];
}

/** Fills the variables that are stored in this type. */
function storedNodes(layout: WeightsLayout, storage: PlacedWeight['storage']): GraphNode[] {
  const stored: Attribute = { type: storage };
  const values = `weights/values/${storage}`;
  const pieces = `weights/pieces/${storage}`;
  const lengths: number[] = [];
  const piecesOf = new Map<PlacedWeight, number>();
  let end = 0;
  const placed = layout.weights.filter((one) => one.storage === storage);
  for (const one of placed.toSorted((a, b) => a.offset - b.offset)) {
    // What lies between is stored in another type.
    if (one.offset > end) lengths.push(one.offset - end);
    piecesOf.set(one, lengths.length);
    lengths.push(elementCount(one.weight.shape));
    end = one.offset + elementCount(one.weight.shape);
  }
  lengths.push(THE_REST);
  return [
    {
      name: values,
      op: 'DecodeRaw',
      inputs: ['weights/bytes'],
      attributes: { out_type: stored, little_endian: { flag: true } },
    },
    vector(`${pieces}/lengths`, lengths),
    constantNode({ name: `${pieces}/axis`, shape: [], data: Int32Array.of(0) }),
    {
      name: pieces,
      op: 'SplitV',
      inputs: [values, `${pieces}/lengths`, `${pieces}/axis`],
      attributes: { num_split: { int: lengths.length }, T: stored, Tlen: int },
    },
    ...placed.flatMap((one) => fillNodes(one, `${pieces}:${piecesOf.get(one)}`)),
  ];
}

function fillNodes({ weight, storage }: PlacedWeight, piece: string): GraphNode[] {
  const at = `weights/init/${weight.name}`;
  const stored: Attribute = { type: storage };
  const type: Attribute = { type: weight.type };
  const nodes: GraphNode[] = [];
  let value = piece;
  if (weight.shape.length !== 1) {
    nodes.push(vector(`${at}/shape`, weight.shape), {
      name: `${at}/reshape`,
      op: 'Reshape',
      inputs: [value, `${at}/shape`],
      attributes: { T: stored, Tshape: int },
    });
    value = `${at}/reshape`;
  }
  if (storage !== weight.type) {
    nodes.push({
      name: `${at}/cast`,
      op: 'Cast',
      inputs: [value],
      attributes: { SrcT: stored, DstT: type, Truncate: { flag: false } },
    });
    value = `${at}/cast`;
  }
  nodes.push({
    name: `${at}/assign`,
    op: 'AssignVariableOp',
    inputs: [weight.name, value],
    attributes: { dtype: type },
  });
  return nodes;
}

function vector(name: string, values: readonly number[]): GraphNode {
  return constantNode({ name, shape: [values.length], data: Int32Array.from(values) });
}
