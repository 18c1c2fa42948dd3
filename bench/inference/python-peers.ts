/** The Python that the peers run on: installed once, without CUDA, and the encoder exported to ONNX from it. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { sha256OfFile } from '../../runtime/digest.ts';
import { messageOf } from '../../runtime/errors.ts';
import { folders } from '../../runtime/folders.ts';
import { FACENET, joined, openPython, type PythonParty } from '../python.ts';

const run = promisify(execFile);

export const ENGINES: PythonParty = {
  packages: ['onnx', 'onnxruntime', 'openvino'],
  modules: ['onnx', 'onnxruntime', 'openvino'],
};

/** @param python one that has the packages already */
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
