/**
 * Measurements after the rounds, which parties do not take in turns: throughput on all cores, cold starts, a
 * worker, the model with float16 weights, and large galleries.
 */
import { join } from 'node:path';
import { messageOf } from '../../runtime/errors.ts';
import type { OnStep } from '../../runtime/progress.ts';
import type { Circumstances } from './contestants.ts';
import { measureFloat16 } from './float16.ts';
import { parties } from './parties.ts';
import { spreads } from './party/made-people.ts';
import type { Party, PartyId, Places } from './party-program.ts';
import { askAlone, Peer } from './peer.ts';
import type { PhotoSet } from './photos.ts';
import { median, type Results, type Throughput } from './report/results.ts';
import { measureColdStarts, measureWorker } from './startup.ts';

export interface AfterRoundsOptions {
  readonly sets: readonly PhotoSet[];
  readonly circumstances: Circumstances;
  readonly quick: boolean;
  readonly onStep: OnStep;
}

/** Measures everything that the rounds do not. */
export async function measureAfterRounds(
  results: Results,
  { sets, circumstances: { machine, places, cores }, quick, onStep }: AfterRoundsOptions,
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

/** Bytes per person in a gallery, including the copies made while it is built. */
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
      // V8 interprets the first calls.
      const [known, strangers] = [answer.known, answer.strangers].map((ms) => median(ms.slice(5)));
      results.gallery.push({ people, spread, prepare, known: known!, strangers: strangers! });
    }
  }
}

export interface Arrangement {
  readonly party: Party;
  readonly processes: number;
  readonly threads: number;
  /** Number of concurrent photos. */
  readonly batch: number;
}

/** Two processes with one thread each; for this project also one process with two threads. */
function arrangementsOf(party: Party): Arrangement[] {
  const batch = party.precision === 'bfloat16' ? 4 : 1;
  const two = { party, processes: 2, threads: 1, batch };
  return party.needs.includes('python') ? [two] : [two, { party, processes: 1, threads: 2, batch }];
}

/** Each arrangement in turn, with all cores to itself. */
async function measureThroughput(
  arrangements: readonly Arrangement[],
  places: Places,
  paths: readonly string[],
  options: {
    rounds: number;
    seconds: number;
    cores: number;
    pinning: boolean;
    onStep: OnStep;
  },
): Promise<Throughput[]> {
  const running = await Promise.all(
    arrangements.map(async (arrangement) => ({
      arrangement,
      peers: await start(arrangement, places, options),
      rates: [] as number[],
    })),
  );
  try {
    for (let round = 0; round <= options.rounds; round++) {
      for (const [place, { arrangement, peers, rates }] of running.entries()) {
        options.onStep('photos a second', {
          done: round * running.length + place,
          all: (options.rounds + 1) * running.length,
        });
        const { batch } = arrangement;
        const seconds = round === 0 ? options.seconds / 4 : options.seconds;
        const done = await Promise.all(
          peers.map((peer) => peer.ask({ do: 'run', paths, batch, seconds })),
        );
        const rate = done.reduce((sum, one) => sum + one.photos / one.seconds, 0);
        if (round > 0) rates.push(rate);
      }
    }
    return running.map(({ arrangement: { party, processes, threads }, rates }) => ({
      label: party.label,
      party: party.id,
      processes,
      threads,
      photos: median(rates),
    }));
  } finally {
    await Promise.all(running.flatMap(({ peers }) => peers.map((peer) => peer.close())));
  }
}

async function start(
  { party, processes, threads }: Arrangement,
  places: Places,
  { cores, pinning }: { cores: number; pinning: boolean },
): Promise<Peer[]> {
  const peers = Array.from({ length: processes }, (_, index) => {
    const core = pinning && threads === 1 ? String(cores - 1 - index) : undefined;
    return new Peer(party.label, party.program({ ...places, threads }), core);
  });
  await Promise.all(peers.map((peer) => peer.ready()));
  return peers;
}
