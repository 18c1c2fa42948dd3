/** Everything the bench of the compact encoder measured. Plain data. */
import type { Machine } from '../machine.ts';
import type { PartyId } from '../parties.ts';
import type { SetName } from '../photos.ts';
import type { PartyResult, Results } from '../results.ts';

/** One photo by each party that was measured with it. */
export interface PhotoFigures {
  readonly set: SetName;
  /** The photo's file name. */
  readonly photo: string;
  /** How many were found, and embedded. */
  readonly faces: Readonly<Partial<Record<PartyId, number>>>;
  /** ms, median */
  readonly whole: Readonly<Partial<Record<PartyId, number>>>;
}

export interface CompactResults {
  readonly date: string;
  readonly machine: Machine;
  readonly threads: number;
  readonly quick: boolean;
  readonly sets: Results['sets'];
  parties: PartyResult[];
  photos: PhotoFigures[];
  /** One worker on the compact model. */
  worker: Results['worker'];
  /** bytes by file of the compact model's folder */
  disk: Results['disk'];
}
