/** How many cases each property is tried with: a few hundred, or as many as FUZZ_CASES says. */
import fc from 'fast-check';

export const fuzzCases = Number(process.env.FUZZ_CASES ?? 300);
/** For test runners: a long run may take an hour. */
export const FUZZ_TIMEOUT_MS = 3_600_000;

/** Changes to bytes that break formats where it hurts: cuts, flips, copies, lies about lengths. */
const edit = fc.oneof(
  fc.record({ kind: fc.constant('cut' as const), at: fc.nat(), size: fc.nat({ max: 64 }) }),
  fc.record({ kind: fc.constant('end' as const), at: fc.nat() }),
  fc.record({ kind: fc.constant('set' as const), at: fc.nat(), byte: fc.nat({ max: 255 }) }),
  fc.record({
    kind: fc.constant('insert' as const),
    at: fc.nat(),
    bytes: fc.uint8Array({ maxLength: 16 }),
  }),
  fc.record({
    kind: fc.constant('copy' as const),
    at: fc.nat(),
    from: fc.nat(),
    size: fc.nat({ max: 64 }),
  }),
);
type Edit = typeof edit extends fc.Arbitrary<infer T> ? T : never;

/** One to four changes of the given bytes. */
export function damaged(originals: readonly Uint8Array[]): fc.Arbitrary<Buffer> {
  return fc
    .tuple(fc.constantFrom(...originals), fc.array(edit, { minLength: 1, maxLength: 4 }))
    .map(([original, edits]) => edits.reduce(applied, Buffer.from(original)));
}

function applied(bytes: Buffer, change: Edit): Buffer {
  const at = change.at % (bytes.length + 1);
  switch (change.kind) {
    case 'cut':
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + change.size)]);
    case 'end':
      return bytes.subarray(0, at);
    case 'set': {
      const copy = Buffer.from(bytes);
      if (at < copy.length) copy[at] = change.byte;
      return copy;
    }
    case 'insert':
      return Buffer.concat([bytes.subarray(0, at), change.bytes, bytes.subarray(at)]);
    case 'copy': {
      const from = change.from % (bytes.length + 1);
      const piece = bytes.subarray(from, from + change.size);
      return Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at)]);
    }
  }
}
