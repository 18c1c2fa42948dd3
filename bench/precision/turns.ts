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
  /** ms of the processor for all photos once, the least of all passes */
  readonly ms: number;
}

export interface TurnsOptions {
  readonly model: string;
  readonly photos: readonly string[];
  readonly rounds: number;
  /** Of the processes; XDG_CACHE_HOME should be one of their own. */
  readonly environment: NodeJS.ProcessEnv;
}

/** One after the other, so many rounds. */
export async function measureInTurns(
  asked: readonly string[],
  options: TurnsOptions,
): Promise<Party[]> {
  const parties: { child: ChildProcess; party: Party }[] = [];
  try {
    // One at a time: a trial is to have the processor for itself.
    for (const what of asked) {
      const child = start(options, what, options.photos);
      const party = { asked: what, ms: Number.POSITIVE_INFINITY, precision: undefined, reason: '' };
      parties.push({ child, party });
      parties.at(-1)!.party = { ...party, ...described(await nextWord(child)) };
    }
    for (let round = 0; round < options.rounds; round++) {
      for (const one of parties) {
        if (one.party.precision === undefined) continue;
        const word = nextWord(one.child);
        one.child.send('pass');
        const said = await word;
        const ms = said.kind === 'pass' ? said.processorMs : Number.POSITIVE_INFINITY;
        if (said.kind === 'failed') one.party = { ...one.party, ...described(said) };
        else one.party = { ...one.party, ms: Math.min(one.party.ms, ms) };
      }
    }
    return parties.map(({ party }) => party);
  } finally {
    for (const { child } of parties) child.kill();
  }
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
