/** Writes NumPy's arrays as pickles hold them, and safetensors files. For tests only. */
import {
  assemble,
  globalName,
  integer,
  integers,
  text,
  tuple,
  uint64,
} from './torch-file.fixture.ts';

/** `_codecs.encode(text, 'latin1')`, as protocol 2 writes bytes. */
function latin1(bytes: Uint8Array): Buffer {
  const content = text(Buffer.from(bytes).toString('latin1'));
  return assemble(globalName('_codecs', 'encode'), content, text('latin1'), 0x86, 'R');
}

export interface NumpyParts {
  readonly type: string;
  readonly shape: readonly number[];
  /** Bytes, or the instructions of an array of objects' list. */
  readonly content: Uint8Array;
  readonly objects?: boolean;
  readonly byteOrder?: string;
  readonly fortran?: boolean;
  readonly core?: 'numpy.core' | 'numpy._core';
}

/** The instructions of a NumPy array, as NumPy has pickles write it. */
export function numpyArray(parts: NumpyParts): Buffer {
  const { type, shape, content, objects, byteOrder = '<', fortran, core = 'numpy._core' } = parts;
  const array = [globalName('numpy', 'ndarray'), tuple(integer(0)), latin1(Buffer.from('b'))];
  return assemble(
    ...[globalName(`${core}.multiarray`, '_reconstruct'), ...array, 0x87, 'R'],
    ...['(', 'K', 1, integers(shape), numpyType(type, byteOrder), fortran ? 0x88 : 0x89],
    ...[objects ? content : latin1(content), 't', 'b'],
  );
}

export function numpyType(type: string, byteOrder = '<'): Buffer {
  const state = [integer(3), text(byteOrder), 'N', 'N', 'N', integer(-1), integer(-1), integer(0)];
  return assemble(
    ...[globalName('numpy', 'dtype'), text(type), 0x89, 0x88, 0x87, 'R'],
    ...['(', ...state, 't', 'b'],
  );
}

/** One number or text of NumPy's, e.g. of an array that was made a list. */
export function numpyScalar(type: string, content: Uint8Array): Buffer {
  const scalar = globalName('numpy._core.multiarray', 'scalar');
  return assemble(scalar, numpyType(type), latin1(content), 0x86, 'R');
}

/** A safetensors file of these tensors. */
export function safetensorsFile(
  tensors: Readonly<
    Record<string, { dtype: string; shape: readonly number[]; bytes: Uint8Array; at?: number }>
  >,
): Buffer {
  const header: Record<string, unknown> = { __metadata__: { format: 'pt' } };
  let end = 0;
  for (const [name, { dtype, shape, bytes, at = end }] of Object.entries(tensors)) {
    header[name] = { dtype, shape, data_offsets: [at, at + bytes.length] };
    end = at + bytes.length;
  }
  const json = Buffer.from(JSON.stringify(header));
  return assemble(uint64(json.length), json, ...Object.values(tensors).map(({ bytes }) => bytes));
}
