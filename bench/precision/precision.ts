/**
 * `PRECISION=auto` against each fixed precision on whole photos, on this processor and with instructions
 * hidden from oneDNN as far as its own setting can, and what the trial behind it takes.
 */

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { readSettings } from '../../runtime/settings.ts';
import { describeMachine } from '../inference/machine.ts';
import { gatherPhotos, singles } from '../inference/photos.ts';
import { median } from '../inference/report/results.ts';

/** Values of ONEDNN_MAX_CPU_ISA, and the feature that each hides from processors that have it. */
const masks: readonly {
  readonly label: string;
  readonly mask?: string;
  readonly hides?: string;
}[] = [
  { label: 'all of this processor' },
  { label: 'without AMX', mask: 'AVX512_CORE_BF16', hides: 'amx_bf16' },
  { label: 'without bfloat16', mask: 'AVX512_CORE_VNNI', hides: 'avx512_bf16' },
  { label: 'without VNNI', mask: 'AVX512_CORE', hides: 'avx512_vnni' },
  { label: 'without AVX-512', mask: 'AVX2', hides: 'avx512f' },
];
const ASKED = ['auto', 'float32', 'bfloat16'] as const;
const SETS = ['course', 'small'];

export interface PrecisionOptions {
  readonly rounds: number;
  readonly json: boolean;
}

export interface PrecisionRow {
  readonly instructions: string;
  readonly photos: string;
  readonly count: number;
  readonly parties: readonly Party[];
  readonly trial: { readonly wallMs: number; readonly processorMs: number };
}

/** @returns a table, or JSON */
export async function benchPrecision(
  { rounds, json }: PrecisionOptions,
  step: (what: string) => void,
): Promise<string> {
  const { MODEL_DIR } = readSettings();
  const scratch = await mkdtemp(join(tmpdir(), 'elastic-face-precision-'));
  const rows: PrecisionRow[] = [];
  try {
    const sets = (await gatherPhotos(join(scratch, 'photos'), [])).filter(({ name }) =>
      SETS.includes(name),
    );
    const { features } = await describeMachine();
    const telling = masks.filter(({ hides }) => hides === undefined || features.includes(hides));
    for (const [index, { label, mask }] of telling.entries()) {
      const environment = {
        ...process.env,
        XDG_CACHE_HOME: join(scratch, `cache-${index}`),
        ...(mask !== undefined && { ONEDNN_MAX_CPU_ISA: mask }),
      };
      const options = { model: MODEL_DIR, rounds, environment };
      step(`trial, ${label}`);
      const trial = await measureTrial({ ...options, photos: [] });
      for (const set of sets) {
        step(`${set.label}, ${label}`);
        const photos = singles(set);
        const parties = await measureInTurns(ASKED, { ...options, photos });
        rows.push({ instructions: label, photos: set.label, count: photos.length, parties, trial });
      }
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  if (json) return JSON.stringify(rows, null, 2);
  const { processor, features } = await describeMachine();
  return `${processor} (${features.join(', ')})\n\n${precisionTable(rows)}`;
}

/**
 * Markdown. Times are medians, of the processor and of one thread; ratios are medians of those of each
 * round. The control says what of a ratio is chance: it is the same precision twice.
 */
export function precisionTable(rows: readonly PrecisionRow[]): string {
  return [
    '| instructions | photos | float32, ms | bfloat16, ms | auto, ms | auto is | of the faster | control | trial, ms (of the processor) |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- |',
    ...rows.map(({ instructions, photos, count, parties, trial }) => {
      const passes = (asked: string): readonly number[] =>
        parties.find((party) => party.asked === asked)?.passes ?? [];
      const ms = (asked: string): number =>
        passes(asked).length === 0 ? Number.POSITIVE_INFINITY : median(passes(asked)) / count;
      const ratio = (one: string, other: string): string =>
        median(passes(one).map((value, round) => value / passes(other)[round]!)).toFixed(2);
      const shown = (asked: string): string =>
        Number.isFinite(ms(asked)) ? ms(asked).toFixed(1) : 'does not run';
      const faster = ms('bfloat16') < ms('float32') ? 'bfloat16' : 'float32';
      const taken = parties.find(({ asked }) => asked === 'auto')?.precision ?? 'none';
      const cells = [
        ...[instructions, photos, ...['float32', 'bfloat16', 'auto'].map(shown), taken],
        ...[ratio('auto', faster), ratio(CONTROL, taken)],
        `${trial.wallMs.toFixed(0)} (${trial.processorMs.toFixed(0)})`,
      ];
      return `| ${cells.join(' | ')} |`;
    }),
  ].join('\n');
}

const CHILD = new URL('./precision.child.ts', import.meta.url);

const wordSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('ready'), precision: z.string(), reason: z.string() }),
  z.object({ kind: z.literal('pass'), wallMs: z.number(), processorMs: z.number() }),
  z.object({ kind: z.literal('failed'), message: z.string() }),
]);
export type ChildWord = z.output<typeof wordSchema>;

export interface Party {
  /** `auto`, `float32` or `bfloat16` */
  readonly asked: string;
  /** What it computes in, and why; undefined where it does not run. */
  readonly precision: string | undefined;
  readonly reason: string;
  /** ms of the processor for all photos once, in each round; empty where it does not run */
  readonly passes: readonly number[];
}

export interface TurnsOptions {
  readonly model: string;
  readonly photos: readonly string[];
  readonly rounds: number;
  /** Of the processes; XDG_CACHE_HOME should be one of their own. */
  readonly environment: NodeJS.ProcessEnv;
}

/** What a party is called that repeats, set, what the first party came to: two that are the same. */
export const CONTROL = 'control';

/**
 * One after the other, each round in another order: what ran before makes a difference.
 * @returns a party for each that is asked for, and the control
 */
async function measureInTurns(asked: readonly string[], options: TurnsOptions): Promise<Party[]> {
  const children: ChildProcess[] = [];
  const parties: Party[] = [];
  // One at a time: a trial is to have the processor for itself.
  const open = async (name: string, precision: string): Promise<void> => {
    const child = start(options, precision, options.photos);
    children.push(child);
    parties.push({ asked: name, passes: [], ...described(await nextWord(child)) });
  };
  try {
    for (const what of asked) await open(what, what);
    await open(CONTROL, parties[0]?.precision ?? 'float32');
    for (let round = 0; round < options.rounds; round++) {
      for (let turn = 0; turn < parties.length; turn++) {
        const at = (round + turn) % parties.length;
        if (parties[at]!.precision === undefined) continue;
        const word = nextWord(children[at]!);
        children[at]!.send('pass');
        parties[at] = after(parties[at]!, await word);
      }
    }
    return parties;
  } finally {
    for (const child of children) child.kill();
  }
}

function after(party: Party, word: ChildWord): Party {
  if (word.kind === 'pass') return { ...party, passes: [...party.passes, word.processorMs] };
  return { ...party, passes: [], ...described(word) };
}

/** ms of wall clock and of the processor that a trial takes in a process that has loaded the library. */
async function measureTrial(
  options: TurnsOptions,
): Promise<{ wallMs: number; processorMs: number }> {
  const times: { wallMs: number; processorMs: number }[] = [];
  for (let round = 0; round < options.rounds; round++) {
    const child = start(options, 'trial', []);
    const word = await nextWord(child);
    if (word.kind === 'pass') times.push(word);
    child.kill();
  }
  return {
    wallMs: Math.min(...times.map(({ wallMs }) => wallMs)),
    processorMs: Math.min(...times.map(({ processorMs }) => processorMs)),
  };
}

function start(
  { model, environment }: TurnsOptions,
  what: string,
  photos: readonly string[],
): ChildProcess {
  return fork(CHILD, [model, what, ...photos], { env: environment, execArgv: [] });
}

/** What a process says next; that it ended counts as a failure. */
async function nextWord(child: ChildProcess): Promise<ChildWord> {
  const listening = new AbortController();
  const { signal } = listening;
  try {
    return await Promise.race([
      once(child, 'message', { signal }).then(([word]) => wordSchema.parse(word)),
      once(child, 'exit', { signal }).then(
        ([code, ended]): ChildWord => ({ kind: 'failed', message: `it ended (${ended ?? code})` }),
      ),
    ]);
  } finally {
    listening.abort();
  }
}

function described(word: ChildWord): Pick<Party, 'precision' | 'reason'> {
  if (word.kind === 'ready') return { precision: word.precision, reason: word.reason };
  return {
    precision: undefined,
    reason: word.kind === 'failed' ? word.message : 'it said nothing',
  };
}
