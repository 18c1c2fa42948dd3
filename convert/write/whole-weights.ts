/**
 * The part of a SavedModel's graph that has the whole weights file as rows of bytes, mapped or unpacked.
 * Knows not what lies in which row.
 */
import { paddedWeightsPath } from '../../model/format.ts';
import { type Attribute, type GraphNode, vectorNode } from '../networks/graph.ts';
import { ROW_BYTES, rowsOf, type WeightsLayout } from './weights.ts';

/** The node of uint8 [rows, ROW_BYTES]. */
export function wholeName({ compressed }: WeightsLayout): string {
  return compressed ? UNPACKED : MAPPED;
}

const MAPPED = 'weights/mapped';
const UNPACKED = 'weights/unpacked';

const int: Attribute = { type: 'int32' };
const uint8: Attribute = { type: 'uint8' };
const string: Attribute = { type: 'string' };

/** @param file of the weights; the program that loads the graph puts its path there */
export function wholeNodes({ weights, compressed }: WeightsLayout, file: string): GraphNode[] {
  return compressed ? unpackedNodes(rowsOf(weights), file) : mappedNodes(rowsOf(weights), file);
}

function mappedNodes(rows: number, file: string): GraphNode[] {
  return [
    {
      name: 'weights/file',
      op: 'ImmutableConst',
      inputs: [],
      attributes: {
        dtype: uint8,
        shape: { shape: [rows, ROW_BYTES] },
        memory_region_name: { text: paddedWeightsPath(file) },
        // Nothing is computed in advance of a node that says so, and nothing else comes of it.
        _scoped_allocator: { ints: [] },
      },
    },
    variably(MAPPED, 'weights/file', uint8),
  ];
}

/** In memory only while the weights are taken out of it. */
function unpackedNodes(rows: number, file: string): GraphNode[] {
  return [
    {
      name: 'weights/file',
      op: 'Const',
      inputs: [],
      attributes: { dtype: string, value: { string: paddedWeightsPath(file) } },
    },
    variably('weights/path', 'weights/file', string),
    { name: 'weights/compressed', op: 'ReadFile', inputs: ['weights/path'], attributes: {} },
    {
      name: 'weights/content',
      op: 'DecodeCompressed',
      inputs: ['weights/compressed'],
      attributes: { compression_type: { text: 'ZLIB' } },
    },
    {
      name: 'weights/bytes',
      op: 'DecodeRaw',
      inputs: ['weights/content'],
      attributes: { out_type: uint8, little_endian: { flag: true } },
    },
    // Without the constants that follow the rows.
    vectorNode('weights/begin', [0]),
    vectorNode('weights/length', [rows * ROW_BYTES]),
    {
      name: 'weights/all',
      op: 'Slice',
      inputs: ['weights/bytes', 'weights/begin', 'weights/length'],
      attributes: { T: uint8, Index: int },
    },
    vectorNode('weights/shape', [rows, ROW_BYTES]),
    {
      name: UNPACKED,
      op: 'Reshape',
      inputs: ['weights/all', 'weights/shape'],
      attributes: { T: uint8, Tshape: int },
    },
  ];
}

/** Prints nothing; but TensorFlow computes in advance what follows from constants, and copies it. */
function variably(name: string, of: string, type: Attribute): GraphNode {
  return {
    name,
    op: 'Print',
    inputs: [of],
    attributes: {
      T: type,
      U: { types: [] },
      message: { text: '' },
      first_n: { int: 0 },
      summarize: { int: 0 },
    },
  };
}
