/** Starts the parties that can run here, and says of each other one why not. */
import { messageOf } from '../../runtime/errors.ts';
import type { Machine } from './machine.ts';
import type { Party, Places } from './parties.ts';
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
  readonly places: Omit<Places, 'python' | 'onnx'>;
  /** With the peers' packages, or why there is none. */
  readonly python: { readonly path: string; readonly onnx: string } | { readonly reason: string };
  /** Named by the user: then they are tried whatever the processor has. */
  readonly asked: boolean;
  readonly cores: string | undefined;
}

/** Why a party is not even tried. */
export function reasonToSkip(
  party: Party,
  { machine, python, asked }: Circumstances,
): string | undefined {
  if (party.precision === 'bfloat16' && !machine.bfloat16 && !asked) {
    return 'this processor has no bfloat16 instructions';
  }
  return party.python && 'reason' in python ? python.reason : undefined;
}

export async function openContestant(
  party: Party,
  circumstances: Circumstances,
): Promise<Contestant> {
  const empty = { id: party.id, encoder: {}, photos: {}, batched: {}, faces: {} };
  const skipped = reasonToSkip(party, circumstances);
  if (skipped !== undefined) return { party, result: { ...empty, skipped }, peer: undefined };
  const { places, python, cores } = circumstances;
  const { path, onnx } = 'path' in python ? python : { path: '', onnx: '' };
  const program = party.program({ ...places, python: path, onnx });
  const peer = new Peer(party.label, program, cores);
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
