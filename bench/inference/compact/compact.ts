/**
 * `bench inference --only compact`: compares the compact encoder with facenet in this project and with other
 * projects that run the same network, on whole small photos in which every face is embedded.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { ensureModel } from '../../../convert/ensure-model.ts';
import { messageOf } from '../../../runtime/errors.ts';
import type { OnStep } from '../../../runtime/progress.ts';
import { readSettings } from '../../../runtime/settings.ts';
import { type Contestant, closeAll, openContestant } from '../contestants.ts';
import { coresFor, describeMachine, sizesIn } from '../machine.ts';
import { gatherSmallPhotos, type PhotoSet } from '../photos.ts';
import type { PhotoAnswer } from '../protocol.ts';
import { median } from '../report/results.ts';
import { measurePhotos } from '../rounds.ts';
import { measureWorker } from '../startup.ts';
import { gatherSupplies } from '../supplies.ts';
import { compactParties } from './parties.ts';
import type { CompactResults, PhotoFigures } from './report.ts';

export interface CompactOptions {
  readonly quick: boolean;
  readonly threads: number;
  /** A Python with face_recognition; default: one is created. */
  readonly python?: string | undefined;
  readonly images?: readonly string[] | undefined;
  readonly onStep: OnStep;
}

export async function benchCompact(options: CompactOptions): Promise<CompactResults> {
  const { quick, threads, python, images = [], onStep } = options;
  const machine = await describeMachine();
  const cores = coresFor(machine, threads);
  const work = await mkdtemp(join(tmpdir(), 'elastic-face-bench-'));
  const contestants: Contestant[] = [];
  try {
    const needs = new Set(compactParties.flatMap((party) => party.needs));
    const { places: found, missing } = await gatherSupplies(needs, work, { python, onStep });
    const { faceApi, compact } = found;
    const settings = readSettings();
    await ensureModel(settings, onStep).catch((error: unknown) => {
      missing.facenet = messageOf(error).split('\n')[0]!;
    });
    const places = { ...found, model: settings.MODEL_DIR, checkpoint: '', threads };
    const sets = await gatherSmallPhotos(work, faceApi, images);
    for (const party of compactParties) {
      onStep(`starting ${party.label}`);
      contestants.push(
        await openContestant(party, { machine, places, missing, asked: false, cores }),
      );
    }
    const rounds = quick ? 2 : 9;
    const answers = await measurePhotos(contestants, sets, {
      counts: [],
      encoderRounds: 0,
      photoRounds: {
        course: rounds,
        small: rounds,
        large: 0,
        portraits: rounds,
        samples: rounds,
        own: rounds,
      },
      allFaces: true,
      onStep,
    });
    await closeAll(contestants);
    const results: CompactResults = {
      date: new Date().toISOString().slice(0, 10),
      machine,
      threads,
      quick,
      sets: sets.map(({ name, label, paths }) => ({ name, label, photos: paths.length })),
      parties: contestants.map(({ result }) => result),
      photos: photoFigures(sets, answers),
      worker: {},
      disk: compact === undefined ? {} : await sizesIn(compact),
    };
    if (compact !== undefined) results.worker = await workerOn(compact, sets, options);
    return results;
  } finally {
    await closeAll(contestants);
    await rm(work, { recursive: true, force: true });
  }
}

function photoFigures(
  sets: readonly PhotoSet[],
  answers: ReadonlyMap<Contestant, ReadonlyMap<string, readonly PhotoAnswer[]>>,
): PhotoFigures[] {
  return sets.flatMap(({ name, paths }) =>
    paths.map((path) => {
      const byParty = [...answers].flatMap(([{ party }, byPath]) => {
        const counting = byPath.get(path)?.slice(1) ?? [];
        return counting.length === 0 ? [] : [{ id: party.id, counting }];
      });
      const each = (value: (counting: readonly PhotoAnswer[]) => number) =>
        Object.fromEntries(byParty.map(({ id, counting }) => [id, value(counting)]));
      return {
        set: name,
        photo: basename(path),
        faces: each((counting) => counting.at(-1)!.faces),
        whole: each((counting) => median(counting.map(({ whole }) => whole))),
      };
    }),
  );
}

async function workerOn(
  model: string,
  sets: readonly PhotoSet[],
  { threads, quick, onStep }: CompactOptions,
): Promise<CompactResults['worker']> {
  try {
    return await measureWorker({
      model,
      threads,
      starts: quick ? 1 : 5,
      turns: quick ? 1 : 3,
      photos: sets.flatMap(({ paths }) => paths),
      onStep,
    });
  } catch (error) {
    return { skipped: messageOf(error) };
  }
}
