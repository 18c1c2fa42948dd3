/** Recognizers of several precisions measured in turns, each in a process of its own. Prints nothing. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { z } from 'zod';

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
 * One after the other, each round in another order: who comes after whom makes a difference.
 * @returns a party for each that is asked for, and the control
 */
export async function measureInTurns(
  asked: readonly string[],
  options: TurnsOptions,
): Promise<Party[]> {
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
export async function measureTrial(
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
