/**
 * The global names a checkpoint may use and what they build: above all tensors, strided views of a
 * storage, checked against it as they are built. Knows no file layout.
 */

import { refuse } from '../../errors.ts';
import { elementTypes, readStrided, type Tensor } from '../tensor.ts';
import { numpyGlobals } from './numpy-values.ts';
import {
  Callable,
  type Foreign,
  NamedClass,
  OrderedDict,
  PickleDict,
  PickleTuple,
  type PickleValue,
  TensorValue,
} from './pickle-values.ts';
import { count, counts, Storage, StorageType } from './storages.ts';

/**
 * What the tensors of one file may take, as a multiple of its size: half precision becomes float32
 * (2 x), and tied weights share a storage (2 x). Beyond that a small file means to fill the memory.
 */
const LARGEST_GROWTH = 4;

/** A strided view of a storage. */
class TorchTensor extends TensorValue {
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

  /** Once: a file can name one tensor a thousand times. */
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
  const spend = (bytes: number) => {
    budget -= bytes;
    if (budget < 0) refuse('its tensors would be many times larger than the file');
  };
  const rebuildTensor = new Callable((args) => {
    const { tensor, bytes } = tensorFrom(args);
    spend(bytes);
    return tensor;
  });
  const globals = new Map<string, Foreign>([
    ['torch._utils._rebuild_tensor_v2', rebuildTensor],
    ['torch._utils._rebuild_parameter', new Callable(parameterFrom)],
    ['torch.Size', new Callable(sizeFrom)],
    ['collections.OrderedDict', new Callable(orderedDictFrom)],
    ['collections.defaultdict', new Callable(defaultDictFrom)],
    ...defaults,
    ...Object.entries(elementTypes).map(
      ([name, element]) => [`torch.${name}Storage`, new StorageType(element)] as const,
    ),
    ...numpyGlobals(spend),
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

/** What a defaultdict makes for a key that is missing, under the names of both Pythons. */
const defaults = ['builtins', '__builtin__'].flatMap((module) =>
  ['list', 'dict'].map((name) => [`${module}.${name}`, new NamedClass()] as const),
);

function defaultDictFrom(args: readonly PickleValue[]): PickleDict {
  const [makes = null] = args;
  return args.length <= 1 && (makes === null || makes instanceof NamedClass)
    ? new PickleDict()
    : refuse('it builds a defaultdict in a way that Python 3 does not write');
}

function orderedDictFrom(args: readonly PickleValue[]): PickleDict {
  return args.length === 0
    ? new OrderedDict()
    : refuse('it builds an OrderedDict in a way that Python 3 does not write');
}
