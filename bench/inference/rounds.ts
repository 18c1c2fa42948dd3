/**
 * The measurements that all parties take in turns (A, B, C, A, B, C …), so that a noisy moment affects all of
 * them.
 */
import type { OnStep } from '../../runtime/progress.ts';
import { memoryOf, most } from '../processes.ts';
import { type Contestant, dropOut } from './contestants.ts';
import type { PhotoSet, SetName } from './photos.ts';
import type { PhotoAnswer } from './protocol.ts';
import { median, type Steps } from './report/results.ts';

export interface Plan {
  readonly counts: readonly number[];
  readonly encoderRounds: number;
  readonly photoRounds: Readonly<Record<SetName, number>>;
  /** Whether every face of a photo is embedded, not only the largest. */
  readonly allFaces?: boolean;
  readonly onStep: OnStep;
}

/** Photos per call where batches are measured. */
const TOGETHER = 4;

/** @param faces a file of at least as many faces as the largest count */
export async function measureEncoders(
  contestants: readonly Contestant[],
  faces: string,
  { counts, encoderRounds, onStep }: Plan,
): Promise<Map<Contestant, readonly number[]>> {
  const embeddings = new Map<Contestant, readonly number[]>();
  for (const count of counts) {
    const taken = new Map<Contestant, number[]>();
    // Round 0 compiles and warms up; it is not counted.
    for (let round = 0; round <= encoderRounds; round++) {
      onStep(`encoder, ${count} at once`, { done: round, all: encoderRounds + 1 });
      await eachInTurn(contestants, async (contestant, peer) => {
        // At the first call of a turn the caches hold the last party's data.
        const times = count === 1 ? 4 : 2;
        const { ms, embedding } = await peer.ask({ do: 'embed', faces, count, times });
        if (round > 0) add(taken, contestant, ms.slice(1));
        if (count === counts[0]) embeddings.set(contestant, embedding);
      });
    }
    for (const [{ result }, ms] of taken) result.encoder[count] = median(ms);
  }
  await measureMemory(contestants);
  return embeddings;
}

/** @returns each party's answers for each photo; the first one is not counted */
export async function measurePhotos(
  contestants: readonly Contestant[],
  sets: readonly PhotoSet[],
  { photoRounds, allFaces = false, onStep }: Plan,
): Promise<Map<Contestant, Map<string, PhotoAnswer[]>>> {
  const answers = new Map<Contestant, Map<string, PhotoAnswer[]>>();
  for (const { name, label, paths } of sets) {
    const rounds = photoRounds[name];
    for (let round = 0; round <= rounds; round++) {
      onStep(label, { done: round, all: rounds + 1 });
      for (const path of paths) {
        await eachInTurn(contestants, async (contestant, peer) => {
          const answer = await peer.ask({ do: 'photo', path, all: allFaces });
          const byPath = answers.get(contestant) ?? new Map<string, PhotoAnswer[]>();
          answers.set(contestant, byPath.set(path, [...(byPath.get(path) ?? []), answer]));
        });
      }
      await measureMemory(contestants);
    }
    for (const [{ result }, byPath] of answers) {
      const counting = paths.map((path) => byPath.get(path)?.slice(1) ?? []);
      if (counting.every((some) => some.length > 0)) result.photos[name] = stepsOf(counting);
    }
  }
  return answers;
}

/** ms per photo if several are given in one call. */
export async function measureBatches(
  contestants: readonly Contestant[],
  sets: readonly PhotoSet[],
  { photoRounds, onStep }: Plan,
): Promise<void> {
  for (const { name, label, paths } of sets) {
    const taken = new Map<Contestant, number[]>();
    const batch = Array.from({ length: TOGETHER }, (_, index) => paths[index % paths.length]!);
    for (let round = 0; round <= photoRounds[name]; round++) {
      onStep(`${label}, ${TOGETHER} at once`, { done: round, all: photoRounds[name] + 1 });
      await eachInTurn(contestants, async (contestant, peer) => {
        const { whole } = await peer.ask({ do: 'photos', paths: batch });
        if (round > 0) add(taken, contestant, [whole / TOGETHER]);
      });
    }
    for (const [{ result }, ms] of taken) result.batched[name] = median(ms);
  }
}

/** @param groups photos by the number of their faces, all of which are embedded */
export async function measureFaces(
  contestants: readonly Contestant[],
  groups: ReadonlyMap<number, string>,
  rounds: number,
  onStep: OnStep,
): Promise<void> {
  for (const [count, path] of groups) {
    const taken = new Map<Contestant, number[]>();
    for (let round = 0; round <= rounds; round++) {
      onStep(`a photo of ${count} faces`, { done: round, all: rounds + 1 });
      await eachInTurn(contestants, async (contestant, peer) => {
        const { whole } = await peer.ask({ do: 'photo', path, all: true });
        if (round > 0) add(taken, contestant, [whole]);
      });
    }
    for (const [{ result }, ms] of taken) result.faces[count] = median(ms);
  }
}

/** The mean over the photos of each photo's medians: the cost of one photo of the set. */
export function stepsOf(byPhoto: readonly (readonly PhotoAnswer[])[]): Steps {
  const mean = (pick: (answer: PhotoAnswer) => number): number =>
    byPhoto.reduce((sum, answers) => sum + median(answers.map(pick)), 0) / byPhoto.length;
  return {
    decode: mean(({ timings }) => timings.decode),
    detect: mean(({ timings }) => timings.detect),
    embed: mean(({ timings }) => timings.embed),
    match: mean(({ timings }) => timings.match),
    whole: mean(({ whole }) => whole),
  };
}

async function eachInTurn(
  contestants: readonly Contestant[],
  ask: (contestant: Contestant, peer: NonNullable<Contestant['peer']>) => Promise<void>,
): Promise<void> {
  for (const contestant of contestants) {
    if (contestant.peer === undefined) continue;
    try {
      await ask(contestant, contestant.peer);
    } catch (error) {
      await dropOut(contestant, error);
    }
  }
}

async function measureMemory(contestants: readonly Contestant[]): Promise<void> {
  for (const { peer, result } of contestants) {
    if (peer?.pid === undefined) continue;
    const memory = most(result.memory, await memoryOf(peer.pid));
    if (memory) Object.assign(result, { memory });
  }
}

function add(to: Map<Contestant, number[]>, contestant: Contestant, values: number[]): void {
  to.set(contestant, [...(to.get(contestant) ?? []), ...values]);
}
