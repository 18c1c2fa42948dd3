/**
 * NumPy's arrays as pickles write them: which global names they use and what they hold. Knows neither
 * PyTorch nor a file layout. Source: numpy/_core/src/multiarray, `array_reduce` and `arraydescr_reduce`.
 */

import { quote, refuse } from '../../errors.ts';
import { contiguous, type ElementType, elementTypes, readStrided, type Tensor } from '../tensor.ts';
import {
  Callable,
  Foreign,
  NamedClass,
  PickleBytes,
  PickleTuple,
  type PickleValue,
  TensorValue,
} from './pickle-values.ts';
import { counts } from './storages.ts';

/** Type codes of numbers that are read. */
const numbers: Readonly<Record<string, ElementType>> = {
  f2: elementTypes.Half,
  f4: elementTypes.Float,
  f8: elementTypes.Double,
  i8: elementTypes.Long,
  i4: elementTypes.Int,
  i2: elementTypes.Short,
  i1: elementTypes.Char,
  u1: elementTypes.Byte,
  b1: elementTypes.Bool,
};

/** NumPy stores a character of text in 4 bytes (UCS-4). */
const CHARACTER_BYTES = 4;
const LONGEST_TEXT = 4096;

/** What is being spent: bytes that values take in memory. */
type Spend = (bytes: number) => void;

/** E.g. `f4` for float32, `U10` for texts of 10 characters, `O8` for objects. */
class NumpyType extends Foreign {
  readonly code: string;
  #isLittleEndian = true;

  constructor(code: string) {
    super();
    this.code = code;
  }

  /** `(version, byte order, subtype, names, fields, size, alignment, flags)` */
  override setState(state: PickleValue): void {
    const [, order, subtype, names, fields] = itemsOf(state, 'type');
    if (subtype !== null || names !== null || fields !== null) {
      refuse('it holds a NumPy array with several fields: save plain arrays or tensors');
    }
    this.#isLittleEndian = order === '<' || order === '|' || order === '=';
  }

  get element(): ElementType {
    this.#requireLittleEndian();
    const better = this.code.startsWith('S') ? 'str, not bytes' : 'float32';
    return (
      numbers[this.code] ??
      refuse(`it holds a NumPy array of the type ${quote(this.code)}: save it as ${better}`)
    );
  }

  /** How many characters a text has; undefined where it holds none. */
  get characters(): number | undefined {
    const [, digits] = /^U(\d{1,4})$/.exec(this.code) ?? [];
    if (digits === undefined) return undefined;
    this.#requireLittleEndian();
    return Math.min(Number(digits), LONGEST_TEXT);
  }

  get holdsObjects(): boolean {
    return this.code === 'O8' || this.code === 'O';
  }

  #requireLittleEndian(): void {
    if (!this.#isLittleEndian) {
      refuse('it holds a big-endian NumPy array: save it as little-endian');
    }
  }
}

class NumpyArray extends TensorValue {
  shape: readonly number[] = [0];
  override items: readonly PickleValue[] | undefined = undefined;
  readonly #spend: Spend;
  #type = new NumpyType('f4');
  #bytes: Uint8Array = new Uint8Array();
  #isFortran = false;
  #tensor: Tensor | undefined;

  constructor(spend: Spend) {
    super();
    this.#spend = spend;
  }

  /** `(version, shape, type, whether in Fortran's order, content)` */
  override setState(state: PickleValue): void {
    const [, shape, type, isFortran, content] = itemsOf(state, 'array');
    this.fill(shape, type, isFortran === true, content);
  }

  fill(
    shape: PickleValue | undefined,
    type: PickleValue | undefined,
    isFortran: boolean,
    content: PickleValue | undefined,
  ): void {
    if (!(type instanceof NumpyType)) refuse('it holds a NumPy array without a type');
    this.shape = counts(shape, 'shape');
    this.#type = type;
    this.#isFortran = isFortran;
    const count = this.shape.reduce((product, extent) => product * extent, 1);
    if (type.holdsObjects) {
      if (!Array.isArray(content) || content.length !== count) {
        refuse('it holds a NumPy array of objects that is damaged');
      }
      this.items = content;
      return;
    }
    const { characters } = type;
    const size = characters === undefined ? type.element.bytes : characters * CHARACTER_BYTES;
    if (!(content instanceof PickleBytes) || content.bytes.length !== count * size) {
      refuse('it holds a NumPy array of another size than its shape says: it is damaged');
    }
    this.#spend(count * (characters === undefined ? type.element.bytesRead : size));
    this.#bytes = content.bytes;
    if (characters !== undefined) this.items = textsOf(content.bytes, count, size);
  }

  read(): Tensor {
    if (this.items !== undefined) return refuse('it holds a NumPy array of texts or objects');
    const strides = this.#isFortran
      ? contiguous(this.shape.toReversed()).reverse()
      : contiguous(this.shape);
    this.#tensor ??= {
      shape: this.shape,
      data: readStrided(this.#type.element, this.#bytes, 0, this.shape, strides),
    };
    return this.#tensor;
  }
}

/** The global names of NumPy 1 and 2 that arrays, types and single numbers are written by. */
export function numpyGlobals(spend: Spend): [string, Foreign][] {
  const arrayClass = new NamedClass();
  const reconstruct = new Callable(([type]) =>
    type === arrayClass ? new NumpyArray(spend) : refuse('it rebuilds what is not a NumPy array'),
  );
  const fromBuffer = new Callable(([content, type, shape, order]) => {
    const array = new NumpyArray(spend);
    array.fill(shape, type, order === 'F', content);
    return array;
  });
  const scalar = new Callable(([type, content]) => {
    const array = new NumpyArray(spend);
    array.fill(new PickleTuple([1]), type, false, content);
    const [value] = array.items ?? array.read().data;
    return value ?? null;
  });
  const cores = ['numpy.core', 'numpy._core'];
  return [
    ['numpy.ndarray', arrayClass],
    ['numpy.dtype', new Callable(([code]) => typeFrom(code))],
    ['_codecs.encode', new Callable(bytesFrom)],
    ...cores.flatMap((core): [string, Foreign][] => [
      [`${core}.multiarray._reconstruct`, reconstruct],
      [`${core}.multiarray.scalar`, scalar],
      [`${core}.numeric._frombuffer`, fromBuffer],
    ]),
  ];
}

function typeFrom(code: PickleValue | undefined): NumpyType {
  return typeof code === 'string' && /^[A-Za-z]\d{0,4}$/.test(code)
    ? new NumpyType(code)
    : refuse('it holds a NumPy array of a type unknown here: save it as float32');
}

/** `_codecs.encode(text, 'latin1')`: how protocol 2 writes bytes. */
function bytesFrom([text, encoding]: readonly PickleValue[]): PickleBytes {
  if (typeof text !== 'string' || encoding !== 'latin1') {
    return refuse('it encodes text in a way that pickles do not write');
  }
  return new PickleBytes(Buffer.from(text, 'latin1'));
}

function textsOf(bytes: Uint8Array, count: number, size: number): string[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: count }, (_, index) => {
    let text = '';
    for (let at = index * size; at < (index + 1) * size; at += CHARACTER_BYTES) {
      const code = view.getUint32(at, true);
      if (code > 0x10ffff) return refuse('it holds a NumPy text that is not Unicode');
      text += String.fromCodePoint(code);
    }
    return text.replace(/\0+$/, '');
  });
}

function itemsOf(state: PickleValue, what: string): readonly PickleValue[] {
  return state instanceof PickleTuple && state.items.length >= 5
    ? state.items
    : refuse(`it gives a NumPy ${what} a state that NumPy does not write`);
}
