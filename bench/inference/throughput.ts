/** Photos a second when every core has work: several processes, or one of several threads. */
import type { OnStep } from '../../runtime/progress.ts';
import type { Party, Places } from './parties.ts';
import { Peer } from './peer.ts';
import type { Throughput } from './results.ts';
import { median } from './statistics.ts';

export interface Arrangement {
  readonly party: Party;
  readonly processes: number;
  readonly threads: number;
  /** Photos at once. */
  readonly batch: number;
}

/** Two processes of one thread, and, of this project, one process of two threads. */
export function arrangementsOf(party: Party): Arrangement[] {
  const batch = party.precision === 'bfloat16' ? 4 : 1;
  const two = { party, processes: 2, threads: 1, batch };
  return party.needs.includes('python') ? [two] : [two, { party, processes: 1, threads: 2, batch }];
}

/** Each arrangement in turn; all cores are its own meanwhile. */
export async function measureThroughput(
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
