/** Starts the parties that can run here, and says of each other one why not. */
import { messageOf } from '../../runtime/errors.ts';
import type { Machine } from './machine.ts';
import type { Need, Party, Places } from './parties.ts';
import { Peer } from './peer.ts';
import type { PartyResult } from './results.ts';

export interface Contestant {
  readonly party: Party;
  readonly result: PartyResult;
  /** Undefined once it was left out or broke off. */
  peer: Peer | undefined;
}

export interface Circumstances {
  readonly machine: Machine;
  readonly places: Places;
  /** What cannot be had on this machine, and why. */
  readonly missing: Readonly<Partial<Record<Need, string>>>;
  /** Named by the user: then they are tried whatever the processor has. */
  readonly asked: boolean;
  readonly cores: string | undefined;
}

/** Why a party is not even tried. */
export function reasonToSkip(
  party: Party,
  { machine, missing, asked }: Circumstances,
): string | undefined {
  if (party.precision === 'bfloat16' && !machine.bfloat16 && !asked) {
    return 'this processor has no bfloat16 instructions';
  }
  return party.needs.map((need) => missing[need]).find((reason) => reason !== undefined);
}

export async function openContestant(
  party: Party,
  circumstances: Circumstances,
): Promise<Contestant> {
  const empty = { id: party.id, encoder: {}, photos: {}, batched: {}, faces: {} };
  const skipped = reasonToSkip(party, circumstances);
  if (skipped !== undefined) return { party, result: { ...empty, skipped }, peer: undefined };
  const { places, cores } = circumstances;
  const peer = new Peer(party.label, party.program(places), cores);
  try {
    return { party, result: { ...empty, versions: await peer.ready() }, peer };
  } catch (error) {
    await peer.close();
    return { party, result: { ...empty, skipped: messageOf(error) }, peer: undefined };
  }
}

/** Drops a contestant that failed; what it measured before stays. */
export async function dropOut(contestant: Contestant, error: unknown): Promise<void> {
  Object.assign(contestant.result, { skipped: messageOf(error) });
  await contestant.peer?.close();
  contestant.peer = undefined;
}

export async function closeAll(contestants: readonly Contestant[]): Promise<void> {
  for (const contestant of contestants) {
    await contestant.peer?.close();
    contestant.peer = undefined;
  }
}
