/**
 * The PyTorch objects a checkpoint is made of: storages (flat numbers) and tensors (strided views of
 * them), checked against each other as they are built. Knows no file layout.
 */
import type { Tensor } from '../tensor.ts';
import { type ElementType, elementTypes, readStrided } from './elements.ts';
import { quote, refuse } from './fault.ts';
import {
  Callable,
  Foreign,
  OrderedDict,
  type PickleDict,
  PickleTuple,
  type PickleValue,
} from './pickle-values.ts';

/** PyTorch's own limit. */
const MOST_DIMENSIONS = 64;
/**
 * What the tensors of one file may take, as a multiple of its size: half precision becomes float32
 * (2 x), and tied weights share a storage (2 x). Beyond that a small file means to fill the memory.
 */
const LARGEST_GROWTH = 4;

/** A storage class such as `torch.FloatStorage`. */
export class StorageType extends Foreign {
  readonly element: ElementType;

  constructor(element: ElementType) {
    super();
    this.element = element;
  }
}

/** `length` elements, `offset` elements into the bytes that the file has under `key`. */
export class Storage extends Foreign {
  readonly key: string;
  readonly element: ElementType;
  readonly offset: number;
  readonly length: number;
  readonly #root: { bytes?: Uint8Array };

  constructor(key: string, element: ElementType, length: number, view?: StorageView) {
    super();
    this.key = key;
    this.element = element;
    this.length = length;
    this.offset = view === undefined ? 0 : view.root.offset + view.offset;
    this.#root = view === undefined ? {} : view.root.#root;
  }

  get filled(): boolean {
    return this.#root.bytes !== undefined;
  }

  /** @param bytes as many as the storage's length says, little-endian */
  fill(bytes: Uint8Array): void {
    if (bytes.length !== this.length * this.element.bytes) {
      refuse(
        `its storage ${quote(this.key)} has ${bytes.length} bytes where ${this.length * this.element.bytes} are announced`,
      );
    }
    this.#root.bytes = bytes;
  }

  get bytes(): Uint8Array {
    const bytes = this.#root.bytes ?? refuse(`its storage ${quote(this.key)} is missing`);
    const start = this.offset * this.element.bytes;
    return bytes.subarray(start, start + this.length * this.element.bytes);
  }
}

interface StorageView {
  readonly root: Storage;
  readonly offset: number;
}

/** A tensor whose numbers are copied out of the file only when asked for. */
export class TorchTensor extends Foreign {
  readonly shape: readonly number[];
  readonly #storage: Storage;
  readonly #offset: number;
  readonly #strides: readonly number[];
  #tensor: Tensor | undefined;

  constructor(
    storage: Storage,
    offset: number,
    shape: readonly number[],
    strides: readonly number[],
  ) {
    super();
    this.shape = shape;
    this.#storage = storage;
    this.#offset = offset;
    this.#strides = strides;
  }

  /**
   * @returns a copy in C order, half precision as float32; the same one every time, so that a tensor
   *   that a file names a thousand times takes its memory once
   */
  read(): Tensor {
    this.#tensor ??= this.#copy();
    return this.#tensor;
  }

  #copy(): Tensor {
    const { element, bytes } = this.#storage;
    const data = readStrided(element, bytes, this.#offset, this.shape, this.#strides);
    return { shape: this.shape, data };
  }
}

/** The allow-list of global names for one file, with all that they build accounted for. */
export function torchGlobals(fileSize: number): (name: string) => Foreign | undefined {
  let budget = fileSize * LARGEST_GROWTH;
  const rebuildTensor = new Callable((args) => {
    const { tensor, bytes } = tensorFrom(args);
    budget -= bytes;
    return budget >= 0 ? tensor : refuse('its tensors would be many times larger than the file');
  });
  const globals = new Map<string, Foreign>([
    ['torch._utils._rebuild_tensor_v2', rebuildTensor],
    ['torch._utils._rebuild_parameter', new Callable(parameterFrom)],
    ['torch.Size', new Callable(sizeFrom)],
    ['collections.OrderedDict', new Callable(orderedDictFrom)],
    ...Object.entries(elementTypes).map(
      ([name, element]) => [`torch.${name}Storage`, new StorageType(element)] as const,
    ),
  ]);
  return (name) => globals.get(name);
}

/** `_rebuild_tensor_v2(storage, storage_offset, size, stride, requires_grad, backward_hooks, metadata)` */
function tensorFrom(args: readonly PickleValue[]): { tensor: TorchTensor; bytes: number } {
  const [storage, offset, size, stride] = args;
  if (args.length < 6 || args.length > 7 || !(storage instanceof Storage)) {
    return refuse('it builds a tensor from what is not a storage');
  }
  const shape = counts(size, 'size');
  const strides = counts(stride, 'stride');
  const start = count(offset, 'offset');
  if (shape.length !== strides.length) {
    return refuse(`it has a tensor of ${shape.length} dimensions and ${strides.length} strides`);
  }
  const empty = shape.includes(0);
  let elements = empty ? 0 : 1;
  let last = start;
  for (let axis = 0; axis < shape.length && !empty; axis++) {
    elements *= shape[axis]!;
    last += (shape[axis]! - 1) * strides[axis]!;
  }
  const past = empty ? start > storage.length : last >= storage.length;
  if (past || elements > storage.length) {
    return refuse(
      `it has a tensor of shape [${shape.join(', ')}] that reaches beyond its storage of ${storage.length} elements`,
    );
  }
  const bytes = elements * storage.element.bytesRead;
  return { tensor: new TorchTensor(storage, start, shape, strides), bytes };
}

/** `_rebuild_parameter(data, requires_grad, backward_hooks)` */
function parameterFrom(args: readonly PickleValue[]): PickleValue {
  return args.length === 3 && args[0] instanceof TorchTensor
    ? args[0]
    : refuse('it builds a parameter from what is not a tensor');
}

function sizeFrom(args: readonly PickleValue[]): PickleValue {
  return new PickleTuple(counts(args.length === 1 ? args[0] : undefined, 'size'));
}

function orderedDictFrom(args: readonly PickleValue[]): PickleDict {
  return args.length === 0
    ? new OrderedDict()
    : refuse('it builds an OrderedDict in a way that Python 3 does not write');
}

function counts(value: PickleValue | undefined, what: string): number[] {
  // The limit comes first: a file can refer to one long tuple again and again.
  return value instanceof PickleTuple && value.items.length <= MOST_DIMENSIONS
    ? value.items.map((item) => count(item, what))
    : refuse(`it has a tensor whose ${what} is not a tuple of at most ${MOST_DIMENSIONS}`);
}

/** A whole number that is not negative. */
export function count(value: PickleValue | undefined, what: string): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
    ? value
    : refuse(`it has a tensor or storage whose ${what} is not a whole number from 0`);
}

/** The storage under `key`, which every reference must describe alike. */
export function declaredStorage(
  storages: Map<string, Storage>,
  key: string,
  { element }: StorageType,
  length: number,
): Storage {
  const known = storages.get(key);
  if (known === undefined) {
    const storage = new Storage(key, element, length);
    storages.set(key, storage);
    return storage;
  }
  if (known.element !== element || known.length !== length) {
    return refuse(`it describes its storage ${quote(key)} in two ways`);
  }
  return known;
}

/** @throws {CheckpointFault} naming a storage that the file does not have */
export function requireFilled(storages: ReadonlyMap<string, Storage>): void {
  for (const { key, filled } of storages.values()) {
    if (!filled) refuse(`its storage ${quote(key)} is missing`);
  }
}
