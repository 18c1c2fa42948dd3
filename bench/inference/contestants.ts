/**
 * Starts the parties that can run here, says why the others cannot, and prepares what they need: a Python with
 * the peers’ packages, the encoder in ONNX, and faces cut from photos.
 */

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { messageOf } from '../../runtime/errors.ts';
import { sha256OfFile } from '../../runtime/files.ts';
import { folders } from '../../runtime/folders.ts';
import { FACENET, joined, openPython, type PythonParty } from '../python.ts';
import type { Machine } from './machine.ts';
import { ownProgram } from './parties.ts';
import type { Need, Party, Places } from './party-program.ts';
import { askAlone, Peer } from './peer.ts';
import type { PartyResult } from './report/results.ts';

export interface Contestant {
  readonly party: Party;
  readonly result: PartyResult;
  /** Undefined if it was left out or has failed. */
  peer: Peer | undefined;
}

export interface Circumstances {
  readonly machine: Machine;
  readonly places: Places;
  /** What is not available on this machine, and why. */
  readonly missing: Readonly<Partial<Record<Need, string>>>;
  /** Named by the user: such parties are tried on every processor. */
  readonly asked: boolean;
  readonly cores: string | undefined;
}

/** Why a party is not tried. */
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

/** Drops a contestant that failed; its earlier measurements are kept. */
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

const run = promisify(execFile);

const ENGINES: PythonParty = {
  packages: ['onnx', 'onnxruntime', 'openvino'],
  modules: ['onnx', 'onnxruntime', 'openvino'],
};

/**
 * The Python of the peers, installed once, without CUDA; the encoder is exported to ONNX with it.
 * @param python one that already has the packages
 */
export async function openPeers(
  checkpoint: string,
  python: string | undefined,
  say: (words: string) => void,
): Promise<{ path: string; onnx: string } | { reason: string }> {
  try {
    const path = await openPython({ ...joined(FACENET, ENGINES), python }, say);
    const onnx = await exportEncoder(path, checkpoint, say);
    return { path, onnx };
  } catch (error) {
    return { reason: messageOf(error) };
  }
}

async function exportEncoder(
  python: string,
  checkpoint: string,
  say: (words: string) => void,
): Promise<string> {
  const folder = join(folders.cache, 'bench');
  const digest = (await sha256OfFile(checkpoint)).slice(0, 16);
  const out = join(folder, `encoder-${digest}.onnx`);
  if (existsSync(out)) return out;
  say('Exporting the encoder to ONNX, once…');
  await mkdir(folder, { recursive: true });
  await run(python, [join(import.meta.dirname, 'python/export_onnx.py'), checkpoint, out]);
  return out;
}

/** Writes `count` faces of the photos into the file `out`, repeating the photos if there are fewer. */
export async function cutFaces(
  out: string,
  count: number,
  paths: readonly string[],
  places: Places,
  cores: string | undefined,
): Promise<string> {
  const request = { do: 'cut', paths, count, out } as const;
  await askAlone('cutting faces', ownProgram(places), cores, request);
  return out;
}
