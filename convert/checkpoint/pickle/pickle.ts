/**
 * A machine for the few pickle instructions that `torch.save` writes (protocols 1 to 5). It builds data
 * only: what a global name stands for is given from outside, and nothing is ever imported or run.
 * Instructions as in Python's pickletools.
 */

import { refuse } from '../../errors.ts';
import { ByteReader } from './byte-reader.ts';
import { LONGEST_GLOBAL_NAME, PickleMachine, type PickleWorld } from './pickle-machine.ts';
import { PickleDict, PickleTuple, type PickleValue } from './pickle-values.ts';

/** Real checkpoints take up to about 30,000; the limit bounds stack, memo and everything built. */
const MOST_INSTRUCTIONS = 1_000_000;
const PROTOCOLS = { from: 2, to: 5 };
const LONGEST_NUMBER = 40;

/** For pickles that hold plain data only. */
export const plainWorld: PickleWorld = {
  global: () => undefined,
  persistent: () => refuse('it refers to an outside object where none can be'),
};

/**
 * Reads one pickle.
 * @returns the value and the position after it
 * @throws {CheckpointFault} on any instruction or global that is not on the allow-list, and on damage
 */
export function readPickle(
  bytes: Uint8Array,
  start: number,
  world: PickleWorld,
): { value: PickleValue; end: number } {
  const reader = new ByteReader(bytes, start);
  const machine = new PickleMachine(reader, world);
  for (let count = 0; count < MOST_INSTRUCTIONS; count++) {
    const code = reader.uint8();
    if (code === STOP) {
      return { value: machine.result(), end: reader.position };
    }
    const instruction = instructions.get(code);
    if (instruction === undefined && PROTOCOL_0.has(code)) {
      return refuse(
        'it is a pickle of protocol 0, which PyTorch itself cannot load: save it again without pickle_protocol',
      );
    }
    if (instruction === undefined) {
      const name = `0x${code.toString(16).padStart(2, '0')}`;
      return refuse(`it uses the pickle instruction ${name}, which no PyTorch checkpoint needs`);
    }
    instruction(machine, reader);
  }
  return refuse(`it has more than ${MOST_INSTRUCTIONS} pickle instructions`);
}

const STOP = 0x2e;

type Instruction = (machine: PickleMachine, reader: ByteReader) => void;

const instructions = new Map<number, Instruction>([
  [0x80, (_, r) => checkProtocol(r.uint8())], // PROTO
  [0x95, (_, r) => checkFrame(r.count64(), r.remaining)], // FRAME
  [0x28, (m) => m.mark()], // MARK
  [0x4e, (m) => m.push(null)], // NONE
  [0x88, (m) => m.push(true)], // NEWTRUE
  [0x89, (m) => m.push(false)], // NEWFALSE
  [0x4b, (m, r) => m.push(r.uint8())], // BININT1
  [0x4d, (m, r) => m.push(r.uint16())], // BININT2
  [0x4a, (m, r) => m.push(r.int32())], // BININT
  [0x8a, (m, r) => m.integer(r.uint8())], // LONG1
  [0x49, (m, r) => m.decimal(r.line(LONGEST_NUMBER))], // INT
  [0x4c, (m, r) => m.decimal(r.line(LONGEST_NUMBER))], // LONG
  [0x47, (m, r) => m.push(r.float64BigEndian())], // BINFLOAT
  [0x8c, (m, r) => m.text(r.uint8())], // SHORT_BINUNICODE
  [0x58, (m, r) => m.text(r.uint32())], // BINUNICODE
  [0x8d, (m, r) => m.text(r.count64())], // BINUNICODE8
  [0x43, (m, r) => m.bytes(r.uint8())], // SHORT_BINBYTES
  [0x42, (m, r) => m.bytes(r.uint32())], // BINBYTES
  [0x8e, (m, r) => m.bytes(r.count64())], // BINBYTES8
  [0x96, (m, r) => m.bytes(r.count64())], // BYTEARRAY8
  [0x29, (m) => m.tuple(0)], // EMPTY_TUPLE
  [0x85, (m) => m.tuple(1)], // TUPLE1
  [0x86, (m) => m.tuple(2)], // TUPLE2
  [0x87, (m) => m.tuple(3)], // TUPLE3
  [0x74, (m) => m.push(new PickleTuple(m.popToMark()))], // TUPLE
  [0x5d, (m) => m.push([])], // EMPTY_LIST
  [0x61, (m) => m.append([m.pop()])], // APPEND
  [0x65, (m) => m.append(m.popToMark())], // APPENDS
  [0x7d, (m) => m.push(new PickleDict())], // EMPTY_DICT
  [0x73, (m) => m.setItems([m.pop(), m.pop()].reverse())], // SETITEM
  [0x75, (m) => m.setItems(m.popToMark())], // SETITEMS
  [0x71, (m, r) => m.put(r.uint8())], // BINPUT
  [0x72, (m, r) => m.put(r.uint32())], // LONG_BINPUT
  [0x94, (m) => m.memoize()], // MEMOIZE
  [0x68, (m, r) => m.get(r.uint8())], // BINGET
  [0x6a, (m, r) => m.get(r.uint32())], // LONG_BINGET
  [0x63, (m, r) => m.global(r.line(LONGEST_GLOBAL_NAME), r.line(LONGEST_GLOBAL_NAME))], // GLOBAL
  [0x93, (m) => globalFromStack(m)], // STACK_GLOBAL
  [0x52, (m) => m.reduce()], // REDUCE
  [0x51, (m) => m.persistent()], // BINPERSID
  [0x62, (m) => m.build()], // BUILD
]);

/** STRING, UNICODE, FLOAT, PUT, GET, LIST, DICT and PERSID: only protocol 0 writes them. */
const PROTOCOL_0 = new Set(Array.from('SVFpgldP', (one) => one.charCodeAt(0)));

function checkProtocol(protocol: number): void {
  if (protocol < PROTOCOLS.from || protocol > PROTOCOLS.to) {
    refuse(`it is a pickle of protocol ${protocol}; 2 to 5 can be read`);
  }
}

function checkFrame(length: number, remaining: number): void {
  if (length > remaining) {
    refuse('it ends in the middle: it is cut short');
  }
}

function globalFromStack(machine: PickleMachine): void {
  const name = machine.pop();
  machine.global(machine.pop(), name);
}
