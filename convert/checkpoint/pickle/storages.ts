/**
 * The flat runs of numbers that tensors are views of: announced by the pickle, filled from the file.
 * Knows no file layout.
 */

import { quote, refuse } from '../../errors.ts';
import type { ElementType } from '../tensor.ts';
import { Foreign, PickleTuple, type PickleValue } from './pickle-values.ts';

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

/** All storages that one file's pickle announces. */
export class Storages {
  readonly #byKey = new Map<string, Storage>();
  readonly #views = new Map<string, Storage>();
  #room: number;

  /** @param fileSize in bytes: what is announced must fit into it */
  constructor(fileSize: number) {
    this.#room = fileSize;
  }

  get(key: string): Storage | undefined {
    return this.#byKey.get(key);
  }

  [Symbol.iterator](): Iterator<Storage> {
    return this.#byKey.values();
  }

  /** The storage under `key`, which every reference must describe alike. */
  declare(key: string, { element }: StorageType, length: number): Storage {
    const known = this.#byKey.get(key);
    if (known !== undefined) {
      return known.element === element && known.length === length
        ? known
        : refuse(`it describes its storage ${quote(key)} in two ways`);
    }
    this.#room -= length * element.bytes;
    if (this.#room < 0) {
      refuse('it announces more numbers than there are bytes: it is cut short');
    }
    const storage = new Storage(key, element, length);
    this.#byKey.set(key, storage);
    return storage;
  }

  /** A part of a storage under a key of its own; the first description of it counts, as in PyTorch. */
  view(key: string, root: Storage, offset: number, length: number): Storage {
    const known = this.#views.get(key);
    if (known !== undefined) return known;
    if (offset + length > root.length) {
      refuse(`a part of its storage ${quote(root.key)} reaches beyond that storage`);
    }
    const view = new Storage(root.key, root.element, length, { root, offset });
    this.#views.set(key, view);
    return view;
  }

  /** @throws {CheckpointFault} naming a storage that the file does not have */
  requireFilled(): void {
    for (const { key, filled } of this.#byKey.values()) {
      if (!filled) refuse(`its storage ${quote(key)} is missing`);
    }
  }
}

/** A whole number that is not negative. */
export function count(value: PickleValue | undefined, what: string): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
    ? value
    : refuse(`it has a tensor or storage whose ${what} is not a whole number from 0`);
}

/** PyTorch's own limit, and NumPy's. */
const MOST_DIMENSIONS = 64;

/** A shape or the like: a tuple of whole numbers. */
export function counts(value: PickleValue | undefined, what: string): number[] {
  // The limit comes first: a file can refer to one long tuple again and again.
  return value instanceof PickleTuple && value.items.length <= MOST_DIMENSIONS
    ? value.items.map((item) => count(item, what))
    : refuse(`it has a tensor whose ${what} is not a tuple of at most ${MOST_DIMENSIONS}`);
}
