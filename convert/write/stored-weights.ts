/**
 * The part of a SavedModel's graph that finds the weights in their file. The file is mapped once, when the
 * model is loaded, and lies in a variable; weights are views of it, which take no memory of their own
 * and share the file's pages with every other process. Only what is compressed, or stored in another type
 * than it is computed with, is a variable of its own.
 */
import {
  type Attribute,
  constantNode,
  type GraphNode,
  type Levels,
  vectorNode,
} from '../networks/graph.ts';
import {
  bytesOf,
  kindOf,
  type PlacedWeight,
  paddingOf,
  ROW_BYTES,
  rowsOf,
  stacksOf,
  type WeightsLayout,
} from './weights.ts';
import { wholeName, wholeNodes } from './whole-weights.ts';

export const INIT_NODE = 'weights/init';

const VARIABLE = 'weights/variable';
const ROWS = 'weights/rows';
/** The shape of a vector of any length. */
const FLAT = 'weights/flat';

const int: Attribute = { type: 'int32' };
const uint8: Attribute = { type: 'uint8' };

/**
 * What nodes read for a weight whose name is not a node's: those of one shape are one node's outputs, for
 * every node of a weight's own runs in every call.
 */
export function stackedNames(layout: WeightsLayout): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const [kind, weights] of Map.groupBy(layout.weights, kindOf)) {
    for (const [index, stack] of stacksOf(weights).entries()) {
      if (stack.length === 1) continue;
      for (const [at, { weight }] of stack.entries()) {
        names.set(weight.name, `${stackName(kind, index)}:${at}`);
      }
    }
  }
  return names;
}

function stackName(kind: string, index: number): string {
  return `weights/${kind}/stack_${index}`;
}

/**
 * Nodes of all weights, found by their names or by `stackedNames`; `INIT_NODE` is to be run once before.
 * @param file of the weights; the program that loads the graph puts its path there
 */
export function weightNodes(layout: WeightsLayout, file: string): GraphNode[] {
  const own = layout.weights.filter((one) => one.own);
  const views = own.length < layout.weights.length;
  const shape: Attribute = { shape: [rowsOf(layout.weights), ROW_BYTES] };
  return [
    ...wholeNodes(layout, file),
    ...(views
      ? [
          ...variable(VARIABLE, shape, uint8),
          assign(`${VARIABLE}/assign`, VARIABLE, wholeName(layout), uint8),
          read(ROWS, VARIABLE, uint8),
        ]
      : []),
    vectorNode(FLAT, [-1]),
    ...kindNodes(layout),
    {
      name: INIT_NODE,
      op: 'NoOp',
      inputs: [
        ...(views ? [`^${VARIABLE}/assign`] : []),
        ...own.map(({ weight }) => `^weights/init/${weight.name}/assign`),
      ],
      attributes: {},
    },
  ];
}

/** Those of each kind are cut out of the file together, for TensorFlow goes over every node several times. */
function kindNodes(layout: WeightsLayout): GraphNode[] {
  const nodes: GraphNode[] = [constantNode({ name: 'weights/axis', ...scalar(0) })];
  let row = 0;
  for (const [kind, weights] of Map.groupBy(layout.weights, kindOf)) {
    const root = weights[0]!.own ? wholeName(layout) : ROWS;
    const stacks = stacksOf(weights);
    nodes.push(...piecesNodes(`weights/${kind}`, stacks, root, row));
    nodes.push(
      ...stacks.flatMap((stack, index) =>
        stack.length > 1 ? stackNodes(stack, index) : pieceNodes(stack[0]!, index),
      ),
    );
    row += rowsOf(weights);
  }
  return nodes;
}

/** `<path>/pieces` with the rows of each stack as numbers, without a copy: all begin with a row. */
function piecesNodes(
  path: string,
  stacks: readonly (readonly PlacedWeight[])[],
  root: string,
  row: number,
): GraphNode[] {
  const { storage } = stacks[0]![0]!;
  const lengths = stacks.map(rowsOf);
  const rows = rowsOf(stacks.flat());
  const numbers = ROW_BYTES / bytesOf[storage];
  const type: Attribute = { type: storage };
  return [
    vectorNode(`${path}/begin`, [row, 0]),
    vectorNode(`${path}/size`, [rows, ROW_BYTES]),
    {
      name: `${path}/rows`,
      op: 'Slice',
      inputs: [root, `${path}/begin`, `${path}/size`],
      attributes: { T: uint8, Index: int },
    },
    vectorNode(`${path}/shape`, [rows, numbers, bytesOf[storage]]),
    reshape(`${path}/bytes`, `${path}/rows`, `${path}/shape`, uint8),
    {
      name: `${path}/numbers`,
      op: 'Bitcast',
      inputs: [`${path}/bytes`],
      attributes: { T: uint8, type },
    },
    vectorNode(`${path}/lengths`, lengths),
    {
      name: `${path}/pieces`,
      op: 'SplitV',
      inputs: [`${path}/numbers`, `${path}/lengths`, 'weights/axis'],
      attributes: { num_split: { int: stacks.length }, T: type, Tlen: int },
    },
  ];
}

/** Weights of one shape as views of their piece. */
function stackNodes(stack: readonly PlacedWeight[], index: number): GraphNode[] {
  const [placed] = stack as readonly [PlacedWeight];
  const kind = kindOf(placed);
  const name = stackName(kind, index);
  const type: Attribute = { type: placed.storage };
  return [
    vectorNode(`${name}/shape`, [stack.length, ...placed.weight.shape]),
    reshape(`${name}/whole`, `weights/${kind}/pieces:${index}`, `${name}/shape`, type),
    {
      name,
      op: 'Unpack',
      inputs: [`${name}/whole`],
      attributes: { T: type, num: { int: stack.length }, axis: { int: 0 } },
    },
  ];
}

/** A weight in its shape, of its name. */
function pieceNodes(placed: PlacedWeight, index: number): GraphNode[] {
  const { weight, storage } = placed;
  const type: Attribute = { type: storage };
  const at = `weights/init/${weight.name}`;
  const last = placed.own ? `${at}/stored` : weight.name;
  const piece = `weights/${kindOf(placed)}/pieces:${index}`;
  const isFull = paddingOf(placed) === 0;
  const isVector = weight.shape.length === 1;
  const nodes: GraphNode[] = [];
  let flat = piece;
  if (!isFull) {
    const cut = isVector ? last : `${at}/cut`;
    nodes.push(
      reshape(`${at}/flat`, piece, FLAT, type),
      vectorNode(`${at}/begin`, [0]),
      vectorNode(`${at}/length`, [weight.data.length]),
      {
        name: cut,
        op: 'Slice',
        inputs: [`${at}/flat`, `${at}/begin`, `${at}/length`],
        attributes: { T: type, Index: int },
      },
    );
    flat = cut;
  }
  if (!isVector) nodes.push(vectorNode(`${at}/shape`, weight.shape));
  if (flat !== last) nodes.push(reshape(last, flat, isVector ? FLAT : `${at}/shape`, type));
  return placed.own ? [...nodes, ...ownNodes(placed, last)] : nodes;
}

/** A variable in the type that is computed with. */
function ownNodes({ weight, storage }: PlacedWeight, from: string): GraphNode[] {
  const at = `weights/init/${weight.name}`;
  const type: Attribute = { type: weight.type };
  // Without the copy, the variable would hold all of the file that its piece is a view of.
  const copy = { name: `${at}/copy`, op: 'DeepCopy', attributes: { T: type } };
  const cast = {
    name: `${at}/cast`,
    op: 'Cast',
    attributes: { SrcT: { type: storage }, DstT: type, Truncate: { flag: false } },
  };
  const own = { inputs: [from], ...(storage === weight.type ? copy : cast) };
  const values =
    weight.levels && storage === 'uint8' ? levelNodes(at, own.name, weight.levels) : [];
  return [
    own,
    ...values,
    ...variable(`${at}/variable`, { shape: weight.shape }, type),
    assign(`${at}/assign`, `${at}/variable`, values.at(-1)?.name ?? own.name, type),
    read(weight.name, `${at}/variable`, type),
  ];
}

/** What levels stand for, the last node; computed once, when the model is loaded. */
function levelNodes(at: string, levels: string, { scale, min, factors }: Levels): GraphNode[] {
  const attributes = { T: { type: 'float32' } } as const;
  const vector = (name: string, value: number): GraphNode =>
    constantNode({ name, shape: [factors.length], data: factors.map((factor) => factor * value) });
  return [
    vector(`${at}/steps`, scale),
    vector(`${at}/least`, min),
    { name: `${at}/scaled`, op: 'Mul', inputs: [levels, `${at}/steps`], attributes },
    { name: `${at}/values`, op: 'AddV2', inputs: [`${at}/scaled`, `${at}/least`], attributes },
  ];
}

function variable(name: string, shape: Attribute, dtype: Attribute): GraphNode[] {
  const attributes = { dtype, shape, container: { text: '' }, shared_name: { text: name } };
  return [{ name, op: 'VarHandleOp', inputs: [], attributes }];
}

function assign(name: string, to: string, value: string, dtype: Attribute): GraphNode {
  return { name, op: 'AssignVariableOp', inputs: [to, value], attributes: { dtype } };
}

function read(name: string, from: string, dtype: Attribute): GraphNode {
  return { name, op: 'ReadVariableOp', inputs: [from], attributes: { dtype } };
}

function reshape(name: string, from: string, shape: string, type: Attribute): GraphNode {
  return { name, op: 'Reshape', inputs: [from, shape], attributes: { T: type, Tshape: int } };
}

function scalar(value: number) {
  return { shape: [], data: Int32Array.of(value) };
}
