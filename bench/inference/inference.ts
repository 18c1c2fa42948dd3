/** `bench inference`: all parties in one run, then one table and one picture. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureModel } from '../../convert/ensure-model.ts';
import { encoderFiles, findModelData } from '../../convert/sources/model-data.ts';
import { SettingsError } from '../../runtime/errors.ts';
import type { OnStep } from '../../runtime/progress.ts';
import { readSettings } from '../../runtime/settings.ts';
import { type LabelledPhoto, labelledPhotos, measureAccuracy } from './accuracy.ts';
import { measureAfterRounds } from './after-rounds.ts';
import {
  type Circumstances,
  type Contestant,
  closeAll,
  cutFaces,
  openContestant,
  openPeers,
} from './contestants.ts';
import { coresFor, describeMachine, sizesIn } from './machine.ts';
import { parties, partyIds } from './parties.ts';
import type { PartyId, Places } from './party-program.ts';
import { gatherPhotos, groupPhoto, type PhotoSet, singles } from './photos.ts';
import type { PhotoAnswer } from './protocol.ts';
import { distanceOf, type Names, type Results } from './report/results.ts';
import {
  measureBatches,
  measureEncoders,
  measureFaces,
  measurePhotos,
  type Plan,
} from './rounds.ts';
import { gatherSupplies } from './supplies.ts';

export interface InferenceOptions {
  readonly quick: boolean;
  /** Default: all. */
  readonly parties?: readonly string[] | undefined;
  readonly images?: readonly string[] | undefined;
  readonly threads: number;
  /** A Python with the peers' packages; default: one is created. */
  readonly python?: string | undefined;
  /** Only these photos, and only the parties: for a test. */
  readonly only?: readonly PhotoSet[] | undefined;
  /** Photos whose people are known; default: those at hand. */
  readonly labelled?: readonly LabelledPhoto[] | undefined;
  /** Number of repetitions; default: by `quick`. */
  readonly plan?: Plan | undefined;
  readonly onStep: OnStep;
}

/** @throws {SettingsError} when a flag cannot be used */
export async function benchInference(options: InferenceOptions): Promise<Results> {
  const { quick, threads, onStep } = options;
  const chosen = chosenParties(options.parties);
  const settings = readSettings();
  await ensureModel(settings, onStep);
  const { encoder } = await findModelData({
    checkpoints: settings.FACE_CHECKPOINTS,
    encoder: 'facenet',
  });
  const checkpoint = encoderFiles(encoder).encoder!;
  const machine = await describeMachine();
  const cores = coresFor(machine, threads);
  const needsPython = chosen.some(({ needs }) => needs.includes('python'));
  const python = needsPython
    ? await openPeers(checkpoint, options.python, onStep)
    : { reason: 'no party needs it' };
  const work = await mkdtemp(join(tmpdir(), 'elastic-face-bench-'));
  const contestants: Contestant[] = [];
  try {
    const needs = new Set(chosen.flatMap((party) => party.needs));
    const supplies = await gatherSupplies(needs, work, { python: options.python, onStep });
    const places: Places = {
      ...supplies.places,
      model: settings.MODEL_DIR,
      checkpoint,
      threads,
      ...('path' in python && { python: python.path, onnx: python.onnx }),
    };
    const circumstances: Circumstances = {
      machine,
      places,
      missing: { ...supplies.missing, ...('reason' in python && { python: python.reason }) },
      asked: options.parties !== undefined,
      cores,
    };
    const sets = options.only ?? (await gatherPhotos(work, options.images ?? []));
    const results: Results = {
      date: new Date().toISOString().slice(0, 10),
      machine,
      threads,
      quick,
      sets: sets.map(({ name, label, paths }) => ({ name, label, photos: paths.length })),
      parties: [],
      coldStart: {},
      worker: {},
      disk: await sizesIn(settings.MODEL_DIR),
      float16: {},
      throughput: [],
      gallery: [],
    };
    for (const party of chosen) {
      onStep(`starting ${party.label}`);
      contestants.push(await openContestant(party, circumstances));
    }
    results.parties = contestants.map(({ result }) => result);
    const plan = options.plan ?? planOf(quick, onStep);
    const faces = await cutFaces(
      join(work, 'faces.bin'),
      Math.max(...plan.counts),
      sets[0]!.paths,
      places,
      cores,
    );
    const ofFacenet = contestants.filter(({ party }) => party.facenet);
    const embeddings = await measureEncoders(ofFacenet, faces, plan);
    compareEmbeddings(embeddings);
    await closeAll(contestants.filter(({ party }) => !party.photos));
    const answers = await measurePhotos(contestants, sets, plan);
    const names = compareNames(answers);
    if (names !== undefined) results.names = names;
    await measureAccuracy(contestants, options.labelled ?? (await labelledPhotos()), onStep);
    await measureBatches(
      ofFacenet,
      sets.filter(({ name }) => name !== 'large'),
      plan,
    );
    if (options.only === undefined) {
      await measureGroups(contestants, sets, work, plan, quick);
      await closeAll(contestants);
      await measureAfterRounds(results, { sets, circumstances, quick, onStep });
    }
    return results;
  } finally {
    await closeAll(contestants);
    await rm(work, { recursive: true, force: true });
  }
}

function planOf(quick: boolean, onStep: OnStep): Plan {
  const [encoderRounds, photoRounds] = quick
    ? [3, { course: 1, small: 1, large: 1, portraits: 1, samples: 1, own: 1 }]
    : [9, { course: 7, small: 7, large: 3, portraits: 5, samples: 5, own: 3 }];
  return { counts: quick ? [1, 4] : [1, 4, 10], encoderRounds, photoRounds, onStep };
}

function chosenParties(names: readonly string[] | undefined) {
  if (names === undefined) return parties;
  const unknown = names.find((name) => !partyIds.includes(name as PartyId));
  if (unknown !== undefined) {
    throw new SettingsError(`There is no party '${unknown}': name some of ${partyIds.join(', ')}.`);
  }
  return parties.filter(({ id }) => names.includes(id));
}

function compareEmbeddings(embeddings: ReadonlyMap<Contestant, readonly number[]>): void {
  const reference =
    [...embeddings].find(([{ party }]) => party.id === 'torch-float32') ?? [...embeddings][0];
  if (reference === undefined) return;
  for (const [{ result }, embedding] of embeddings) {
    result.distance = distanceOf(embedding, reference[1]);
  }
}

function compareNames(
  answers: ReadonlyMap<Contestant, ReadonlyMap<string, readonly PhotoAnswer[]>>,
): Names | undefined {
  const of = (id: PartyId) => [...answers].find(([{ party }]) => party.id === id)?.[1];
  const [exact, rough] = [of('own-float32'), of('own-bfloat16')];
  if (exact === undefined || rough === undefined) return undefined;
  const paths = [...exact.keys()].filter((path) => rough.has(path));
  const nameOf = (all: typeof exact, path: string) => all.get(path)!.at(-1)!.name;
  const different = paths.filter((path) => nameOf(exact, path) !== nameOf(rough, path));
  return {
    photos: paths.length,
    same: paths.length - different.length,
    twice: paths.filter((path) => rough.get(path)!.at(-1)!.twice).length,
    different,
  };
}

async function measureGroups(
  contestants: readonly Contestant[],
  sets: readonly PhotoSet[],
  work: string,
  plan: Plan,
  quick: boolean,
): Promise<void> {
  const from = sets.find(({ name }) => name === 'small') ?? sets[0]!;
  const taking = contestants.filter(({ party }) => !party.id.endsWith('-wasm'));
  const groups = new Map<number, string>();
  for (const count of quick ? [1, 4] : [1, 2, 4, 8, 16]) {
    groups.set(count, await groupPhoto(singles(from), count, work));
  }
  await measureFaces(taking, groups, quick ? 1 : 3, plan.onStep);
}
