/** What a pickle's value is made of once read: plain data, and objects that only their makers understand. */

import type { Tensor } from '../tensor.ts';

/** Unlike a list it cannot be added to. */
export class PickleTuple {
  readonly items: readonly PickleValue[];

  constructor(items: readonly PickleValue[]) {
    this.items = items;
  }
}

export class PickleDict extends Map<string | number, PickleValue> {}

/** The one kind of dict that may carry attributes (PyTorch's `_metadata`), which are passed over. */
export class OrderedDict extends PickleDict {}

/** What an allowed global name or a persistent id stands for: an object only its maker understands. */
export abstract class Foreign {
  readonly foreign = true;
  /** Takes the state that a file gives an object; absent where it has none. */
  setState?(state: PickleValue): void;
}

/** Bytes of the file; a view, not a copy. */
export class PickleBytes extends Foreign {
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    super();
    this.bytes = bytes;
  }
}

/** A tensor whose numbers are copied out of the file only when asked for. */
export abstract class TensorValue extends Foreign {
  abstract readonly shape: readonly number[];
  /** Of an array that holds texts or objects instead of numbers. */
  readonly items?: readonly PickleValue[] | undefined;
  /** @returns a copy in C order, half precision as float32; the same one every time */
  abstract read(): Tensor;
}

/** A global that may be called; it is this program's own code, never the file's. */
export class Callable extends Foreign {
  readonly call: (args: readonly PickleValue[]) => PickleValue;

  constructor(call: (args: readonly PickleValue[]) => PickleValue) {
    super();
    this.call = call;
  }
}

/** A class that a file may name but not call. */
export class NamedClass extends Foreign {}

export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | PickleValue[]
  | PickleTuple
  | PickleDict
  | Foreign;
