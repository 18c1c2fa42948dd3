/**
 * The stack, marks and memo of a pickle being read, and what each instruction does to them. Every step
 * costs no more than the bytes that ask for it. Knows no instruction's code.
 */

import { quote, refuse } from '../../errors.ts';
import type { ByteReader } from './byte-reader.ts';
import {
  Callable,
  Foreign,
  OrderedDict,
  PickleBytes,
  PickleDict,
  PickleTuple,
  type PickleValue,
} from './pickle-values.ts';

/** NumPy's numbers can be written as text. */
const LONGEST_TEXT = 1 << 26;
export const LONGEST_GLOBAL_NAME = 256;
/** The magic number of PyTorch files has 10. */
const LONGEST_INTEGER = 16;

export interface PickleWorld {
  /** @returns undefined for a name that is not on the allow-list */
  readonly global: (name: string) => Foreign | undefined;
  readonly persistent: (id: PickleValue) => PickleValue;
}

export class PickleMachine {
  readonly #reader: ByteReader;
  readonly #world: PickleWorld;
  readonly #stack: PickleValue[] = [];
  /** Heights of the stack at each open mark. */
  readonly #marks: number[] = [];
  readonly #memo = new Map<number, PickleValue>();

  constructor(reader: ByteReader, world: PickleWorld) {
    this.#reader = reader;
    this.#world = world;
  }

  result(): PickleValue {
    const value = this.pop();
    if (this.#stack.length > 0 || this.#marks.length > 0) {
      refuse('its pickle leaves values over: it is damaged');
    }
    return value;
  }

  push(value: PickleValue): void {
    this.#stack.push(value);
  }

  pop(): PickleValue {
    if (this.#stack.length <= (this.#marks.at(-1) ?? 0)) {
      refuse('its pickle takes more values than there are: it is damaged');
    }
    return this.#stack.pop() as PickleValue;
  }

  top(): PickleValue {
    const value = this.pop();
    this.push(value);
    return value;
  }

  mark(): void {
    this.#marks.push(this.#stack.length);
  }

  popToMark(): PickleValue[] {
    const height = this.#marks.pop() ?? refuse('its pickle closes what it never opened');
    return this.#stack.splice(height);
  }

  tuple(length: number): void {
    const items: PickleValue[] = [];
    for (let left = length; left > 0; left--) items.push(this.pop());
    this.push(new PickleTuple(items.reverse()));
  }

  text(length: number): void {
    if (length > LONGEST_TEXT) {
      refuse(`it holds a text of ${length} bytes`);
    }
    this.push(this.#reader.text(length));
  }

  integer(length: number): void {
    if (length > LONGEST_INTEGER) {
      refuse(`it holds a whole number of ${length} bytes`);
    }
    let value = 0n;
    for (const [index, byte] of this.#reader.bytes(length).entries()) {
      value |= BigInt(byte) << BigInt(8 * index);
    }
    const signed = BigInt.asIntN(8 * length, value);
    const number = Number(signed);
    this.push(Number.isSafeInteger(number) ? number : signed);
  }

  /** What protocol 1 writes as a line: a truth value or a whole number. */
  decimal(line: string): void {
    const digits = line.replace(/L$/, '');
    if (line === '01' || line === '00') this.push(line === '01');
    else if (!/^-?\d{1,38}$/.test(digits)) refuse('it holds a malformed whole number');
    else this.push(Number.isSafeInteger(Number(digits)) ? Number(digits) : BigInt(digits));
  }

  bytes(length: number): void {
    this.push(new PickleBytes(this.#reader.bytes(length)));
  }

  append(items: readonly PickleValue[]): void {
    const list = this.top();
    if (!Array.isArray(list)) {
      refuse('its pickle appends to what is not a list');
    }
    for (const item of items) list.push(item);
  }

  setItems(items: readonly PickleValue[]): void {
    const dict = this.top();
    if (!(dict instanceof PickleDict) || items.length % 2 !== 0) {
      refuse('its pickle sets items of what is not a dict');
    }
    for (let index = 0; index < items.length; index += 2) {
      const key = items[index];
      if (typeof key !== 'string' && typeof key !== 'number') {
        refuse('its pickle has a dict key that is neither text nor a number');
      }
      dict.set(key, items[index + 1] as PickleValue);
    }
  }

  put(index: number): void {
    this.#memo.set(index, this.top());
  }

  memoize(): void {
    this.put(this.#memo.size);
  }

  get(index: number): void {
    const value = this.#memo.get(index);
    this.push(value === undefined ? refuse('its pickle recalls what it never stored') : value);
  }

  global(module: PickleValue, name: PickleValue): void {
    if (typeof module !== 'string' || typeof name !== 'string') {
      refuse('its pickle names a global by what is not text');
    }
    const full = `${module}.${name}`;
    this.push(
      this.#world.global(full) ??
        refuse(
          `it asks for ${quote(full)}, which is not on the short list of what checkpoints may name; nothing of it was run. ` +
            "Save tensors, texts, lists and dicts alone, such as model.state_dict() or checkpoint['state_dict']",
        ),
    );
  }

  reduce(): void {
    const args = this.pop();
    const callable = this.pop();
    if (!(callable instanceof Callable) || !(args instanceof PickleTuple)) {
      refuse('its pickle calls what cannot be called');
    }
    this.push(callable.call(args.items));
  }

  persistent(): void {
    this.push(this.#world.persistent(this.pop()));
  }

  /**
   * Objects of this program's own take their state; a state dict's `_metadata` holds version numbers only
   * and is dropped.
   */
  build(): void {
    const attributes = this.pop();
    const object = this.top();
    if (object instanceof Foreign && object.setState !== undefined) {
      object.setState(attributes);
    } else if (!(object instanceof OrderedDict) || !(attributes instanceof PickleDict)) {
      refuse('its pickle sets the state of what has none');
    }
  }
}
