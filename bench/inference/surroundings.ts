/**
 * What is not measured turn by turn with every party: cold starts, photos a second on all cores, a worker,
 * the set stored as float16, and galleries of many people.
 */
import { join } from 'node:path';
import { messageOf } from '../../runtime/errors.ts';
import type { OnStep } from '../../runtime/progress.ts';
import { measureColdStarts } from './cold-start.ts';
import { measureFloat16 } from './float16.ts';
import type { Circumstances } from './open.ts';
import { type PartyId, type Places, parties } from './parties.ts';
import { spreads } from './party/made-people.ts';
import { askAlone } from './peer.ts';
import type { PhotoSet } from './photos.ts';
import type { Results } from './results.ts';
import { median } from './statistics.ts';
import { arrangementsOf, measureThroughput } from './throughput.ts';
import { measureWorker } from './worker.ts';

export interface Surroundings {
  readonly sets: readonly PhotoSet[];
  readonly circumstances: Circumstances;
  readonly quick: boolean;
  readonly onStep: OnStep;
}

/** What is not measured turn by turn with everybody. */
export async function measureSurroundings(
  results: Results,
  { sets, circumstances: { machine, places, cores }, quick, onStep }: Surroundings,
): Promise<void> {
  const takesPart = (id: PartyId): boolean =>
    results.parties.some((one) => one.id === id && one.skipped === undefined);
  const course = sets[0]!.paths;
  onStep('cold starts');
  results.coldStart = await measureColdStarts(places, course[0]!, {
    rounds: quick ? 1 : 5,
    python: takesPart('torch-float32'),
    cores,
  });
  const able = parties.filter(
    ({ id }) => takesPart(id) && /^own-(?:float32|bfloat16)$|^torch-float32$/.test(id),
  );
  results.throughput = await measureThroughput(able.flatMap(arrangementsOf), places, course, {
    rounds: quick ? 1 : 3,
    seconds: quick ? 2 : 5,
    cores: machine.cores,
    pinning: machine.pinning && machine.cores >= 2,
    onStep,
  });
  try {
    results.worker = await measureWorker({
      model: places.model,
      threads: places.threads,
      starts: quick ? 1 : 5,
      turns: quick ? 1 : 3,
      photos: sets.flatMap(({ paths }) => paths),
      onStep,
    });
  } catch (error) {
    results.worker = { skipped: messageOf(error) };
  }
  onStep('the float32 set stored as float16');
  try {
    const photos = sets.flatMap(({ paths }) => paths);
    results.float16 = await measureFloat16(photos, places, cores);
  } catch (error) {
    results.float16 = { skipped: messageOf(error) };
  }
  await measureGalleries(results, places, cores, quick, onStep);
}

/** Bytes of a person in a gallery, with room for the copies that are made on the way. */
const BYTES_A_PERSON = 3 * 4 * 512;

async function measureGalleries(
  results: Results,
  places: Places,
  cores: string | undefined,
  quick: boolean,
  onStep: OnStep,
): Promise<void> {
  const program = {
    command: process.execPath,
    args: [join(import.meta.dirname, 'party/gallery.ts'), places.model],
  };
  for (const people of quick ? [1e2, 1e4, 1e5] : [1e2, 1e3, 1e4, 1e5, 1e6]) {
    onStep(`a gallery of ${people.toLocaleString('en')}`);
    if (people * BYTES_A_PERSON > results.machine.memoryGb * 1e9 * 0.6) {
      results.galleryNote = `No memory here for ${people.toLocaleString('en')} people.`;
      break;
    }
    for (const spread of spreads) {
      const request = { do: 'match', people, spread, times: people >= 1e6 ? 15 : 25 } as const;
      const { prepare, ...answer } = await askAlone('matching', program, cores, request);
      // The first calls are interpreted.
      const [known, strangers] = [answer.known, answer.strangers].map((ms) => median(ms.slice(5)));
      results.gallery.push({ people, spread, prepare, known: known!, strangers: strangers! });
    }
  }
}
