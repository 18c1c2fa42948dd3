import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { CheckpointError } from '../errors.ts';
import { readCheckpoint } from './read-checkpoint.ts';
import { put, temporaryFolder } from './temporary-file.fixture.ts';
import {
  assemble,
  globalName,
  integer,
  legacyFile,
  pickle,
  storage,
  TensorFixture,
  text,
  uint32,
  uint64,
  zipFile,
} from './torch-file.fixture.ts';

const folder = temporaryFolder();
const marker = join(folder, 'was-run');

async function assertRefused(file: Uint8Array, reason: RegExp): Promise<void> {
  const path = await put(folder, 'hostile.pt', file);
  await assert.rejects(readCheckpoint(path), (error) => {
    assert.ok(error instanceof CheckpointError, String(error));
    assert.ok(error.message.startsWith(`${path} cannot be used: `), error.message);
    assert.match(error.message, reason);
    return true;
  });
}

/** Where a hostile pickle may stand: each of the layouts' places. */
const places: Record<string, (object: Buffer) => Buffer> = {
  'at the start of a file': (magic) => legacyFile([], { magic }),
  'as a legacy object': (object) => legacyFile([], { object }),
  'as data.pkl': (object) => zipFile([], { object }),
};

const command = text(`touch '${marker}'`);
const shortText = (value: string) => assemble(0x8c, value.length, value);

describe('a pickle that asks to run code is refused, and nothing is run', () => {
  const calls: Record<string, readonly [Buffer, RegExp]> = {
    'os.system by GLOBAL': [
      assemble(globalName('os', 'system'), command, 0x85, 'R'),
      /asks for "os\.system".*nothing of it was run/,
    ],
    'posix.system by STACK_GLOBAL': [
      assemble(globalName('posix', 'system', 'STACK_GLOBAL'), command, 0x85, 'R'),
      /"posix\.system"/,
    ],
    'builtins.eval': [
      assemble(globalName('builtins', 'eval'), text('1'), 0x85, 'R'),
      /"builtins\.eval"/,
    ],
    'a name below an allowed module': [
      globalName('torch._utils', '_import_dotted_name'),
      /_import/,
    ],
    'a dotted name through an allowed class': [
      globalName('collections', 'OrderedDict.__init__.__globals__', 'STACK_GLOBAL'),
      /__globals__/,
    ],
    'a name of Object.prototype': [globalName('constructor', 'constructor'), /"constructor\.cons/],
    __proto__: [globalName('__proto__', '__proto__'), /"__proto__/],
    'a TorchScript class': [globalName('__torch__', 'Module'), /"__torch__\.Module"/],
    'a whole module, not its state dict': [
      globalName('torch.nn.modules.conv', 'Conv2d'),
      /"torch\.nn\.modules\.conv\.Conv2d"/,
    ],
    'a name by what is not text': [assemble(integer(1), integer(2), 0x93), /what is not text/],
    'a name that does not end': [assemble('c', 'x'.repeat(1000)), /line that does not end/],
    'a call of a list': [assemble(']', ')', 'R'), /calls what cannot be called/],
    'a call of a storage class': [
      assemble(globalName('torch', 'FloatStorage'), ')', 'R'),
      /calls what cannot be called|asks for/,
    ],
    'a call with a list of arguments': [
      assemble(globalName('collections', 'OrderedDict'), ']', 'R'),
      /calls what cannot be called|asks for/,
    ],
    'state for a plain dict': [assemble('}', '}', 'b'), /sets the state of what has none/],
    'state for a class': [
      assemble(globalName('torch', 'FloatStorage'), '}', 'b'),
      /sets the state of what has none|asks for/,
    ],
    'a persistent id of protocol 0': [assemble('Pstorage\n'), /protocol 0.*save it again/],
    'text of protocol 0': [assemble("S'x'\n"), /protocol 0.*save it again/],
    'a call of a class of NumPy': [
      assemble(globalName('numpy', 'ndarray'), ')', 'R'),
      /calls what cannot be called|asks for/,
    ],
    'a call of a built-in type': [
      assemble(globalName('builtins', 'list'), ')', 'R'),
      /calls what cannot be called|asks for/,
    ],
    'a default made by other code': [
      assemble(globalName('collections', 'defaultdict'), globalName('os', 'system'), 0x85, 'R'),
      /asks for/,
    ],
    'another codec': [
      assemble(globalName('_codecs', 'encode'), text('x'), text('zip'), 0x86, 'R'),
      /encodes text in a way|asks for/,
    ],
    'another module of NumPy': [globalName('numpy.testing', 'build_err_msg'), /"numpy\.testing/],
    'a persistent id of text': [assemble(text('storage'), 'Q'), /refers to/],
    'a persistent id without a class': [
      assemble('(', text('storage'), text('os'), text('0'), text('cpu'), integer(1), 'N', 't', 'Q'),
      /refers to/,
    ],
  };
  const refusedInstructions: Record<string, Buffer> = {
    EXT1: assemble(0x82, 1),
    EXT2: assemble(0x83, 1, 0),
    EXT4: assemble(0x84, 1, 0, 0, 0),
    INST: assemble('(', command, 'ios\nsystem\n'),
    OBJ: assemble('(', text('x'), 'o'),
    NEWOBJ: assemble('}', ')', 0x81),
    NEWOBJ_EX: assemble('}', ')', '}', 0x92),
    DUP: assemble('}', '2'),
    'LONG4, which could be huge': assemble(0x8b, uint32(4), uint32(1)),
    'a code that does not exist': assemble(0xff),
  };
  for (const [place, write] of Object.entries(places)) {
    for (const [what, [instructions, reason]] of Object.entries(calls)) {
      test(`${what}, ${place}`, () => assertRefused(write(pickle(instructions)), reason));
    }
    for (const [what, instructions] of Object.entries(refusedInstructions)) {
      test(`${what}, ${place}`, () =>
        assertRefused(write(pickle(instructions)), /uses the pickle instruction 0x/));
    }
  }
  test('none of them has left its mark', () => assert.equal(existsSync(marker), false));
});

describe('a pickle that is out of order is refused', () => {
  for (const [what, instructions, reason] of [
    ['takes from an empty stack', assemble('0', 'a'), /uses the pickle instruction|takes more/],
    ['appends with nothing there', assemble('a'), /takes more values/],
    ['takes what lies below an open mark', assemble(']', '(', 'N', 'a'), /takes more values/],
    ['closes a mark it never opened', assemble('t'), /closes what it never opened/],
    ['leaves a mark open', assemble('(', 'N'), /leaves values over|takes more/],
    ['leaves values over', assemble('N', 'N'), /leaves values over/],
    ['recalls what it never stored', assemble('h', 3), /recalls what it never stored/],
    ['appends to a dict', assemble('}', 'N', 'a'), /appends to what is not a list/],
    ['appends to a tuple', assemble(')', '(', 'N', 'e'), /appends to what is not a list/],
    ['sets items of a list', assemble(']', 'N', 'N', 's'), /not a dict/],
    ['sets half an item', assemble('}', '(', 'N', 'u'), /not a dict/],
    ['has a dict as a key', assemble('}', '}', 'N', 's'), /neither text nor a number/],
    ['has text that is not UTF-8', assemble(shortText(''), 'X', uint32(2), 0xc3, 0x28), /UTF-8/],
    ['has text beyond its end', assemble('X', uint32(1000), 'x'), /cut short/],
    ['has text beyond any name', assemble('X', uint32(2 ** 31), 'x'), /text of 2147483648 bytes/],
    ['has bytes beyond its end', assemble('B', uint32(1000), 'x'), /cut short/],
    ['has a number of letters', assemble('Ixyz\n'), /malformed whole number/],
    ['has a number that does not end', assemble('L', '1'.repeat(1000)), /line that does not end/],
    ['has a count beyond all numbers', assemble(0x8d, uint64(2n ** 63n)), /beyond any file/],
    ['has a frame beyond its end', assemble(0x95, uint64(10_000)), /cut short/],
    ['is of a future protocol', assemble(0x80, 6), /protocol 6/],
    ['has an integer of 255 bytes', assemble(0x8a, 255, Buffer.alloc(255)), /number of 255 bytes/],
  ] as const) {
    test(`it ${what}`, () => assertRefused(zipFile([], { object: pickle(instructions) }), reason));
  }
});

describe('a file that would take far more than its size is refused soon', {
  timeout: 30_000,
}, () => {
  const repeated = (count: number, ...parts: readonly (number | string)[]) =>
    Buffer.alloc(count * assemble(...parts).length, assemble(...parts));

  for (const [what, instructions] of [
    ['marks', repeated(2_000_000, '(')],
    ['dicts', repeated(2_000_000, '}')],
    ['nested tuples', assemble(')', repeated(2_000_000, 0x85))],
    ['lists that double by reference', assemble(']', repeated(2_000_000, 'q', 0, 'h', 0, 0x86))],
  ] as const) {
    test(`by ${what}`, () =>
      assertRefused(zipFile([], { object: pickle(instructions) }), /more than 1000000 pickle/));
  }

  test('by one long tuple that is a size again and again', () => {
    const long = assemble('(', repeated(400_000, 'K', 1), 't', 'q', 0);
    const size = assemble(globalName('torch', 'Size'), 'q', 1);
    const calls = repeated(100_000, 'h', 1, 'h', 0, 0x85, 'R', 'a');
    return assertRefused(
      zipFile([], { object: pickle(assemble(long, size, ']', calls)) }),
      /not a tuple of at most 64|appends/,
    );
  });

  test('by a deeply nested value where text should be', () => {
    const nested = assemble(']', repeated(400_000, 0x85));
    return assertRefused(
      legacyFile([], { magic: pickle(nested) }),
      /not one that torch\.save wrote/,
    );
  });

  test('by many tensors over one storage', () => {
    const common = storage('0', 'Float', new Float32Array(10_000));
    const many = Array.from({ length: 50 }, () => new TensorFixture(common, [10_000]));
    return assertRefused(zipFile(many), /many times larger than the file/);
  });

  test('by a zip entry that is compressed', () => {
    const bomb = { 'archive/data/0': new Uint8Array(50_000_000) };
    return assertRefused(zipFile([], { entries: bomb, level: 9 }), /compressed, which torch\.save/);
  });
});
