/**
 * The party's side of the line protocol for parties in TypeScript, and the file of cut faces, so that every
 * party embeds the same ones.
 */

import { open, writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { messageOf } from '../../../runtime/errors.ts';
import type { Answer, Kind, Request } from '../protocol.ts';

export type Handlers = {
  readonly [K in Kind]?: (request: Extract<Request, { do: K }>) => Promise<Answer<K>>;
};

/** Answers until standard input ends. */
export async function serve(handlers: Handlers, versions: string): Promise<void> {
  say({ ready: true, versions });
  for await (const line of createInterface({ input: process.stdin })) {
    const { id, ...request } = JSON.parse(line) as { id: number } & Request;
    const handle = handlers[request.do] as ((request: Request) => Promise<object>) | undefined;
    try {
      if (!handle) throw new Error(`${request.do} is not for this party`);
      say({ id, ...(await handle(request)) });
    } catch (error) {
      say({ id, error: messageOf(error) });
    }
  }
}

function say(answer: object): void {
  process.stdout.write(`@${JSON.stringify(answer)}\n`);
}

/** All parties of this bench embed facenet's crops, [240, 240, 3]. */
export const FACE_VALUES = 240 * 240 * 3;

/** @param faces [n, 240, 240, 3] */
export async function writeFaces(path: string, faces: Float32Array): Promise<void> {
  await writeFile(path, new Uint8Array(faces.buffer, faces.byteOffset, faces.byteLength));
}

/** @returns the first [count, 240, 240, 3] */
export async function readFaces(path: string, count: number): Promise<Float32Array> {
  const faces = new Float32Array(FACE_VALUES * count);
  await using file = await open(path);
  const { bytesRead } = await file.read(new Uint8Array(faces.buffer));
  if (bytesRead !== faces.byteLength) throw new Error(`${path} has fewer than ${count} faces`);
  return faces;
}

/** Times `embed` on the file's first faces; several files are cached. */
export function embedTimer(embed: (faces: Float32Array, count: number) => Float32Array) {
  const ready = new Map<string, Float32Array>();
  return async (request: { faces: string; count: number; times: number }) => {
    const key = `${request.count} ${request.faces}`;
    const faces = ready.get(key) ?? (await readFaces(request.faces, request.count));
    ready.set(key, faces);
    const ms: number[] = [];
    let embeddings = new Float32Array();
    for (let time = 0; time < request.times; time++) {
      const begun = performance.now();
      embeddings = Float32Array.from(embed(faces, request.count));
      ms.push(performance.now() - begun);
    }
    return { ms, embedding: [...embeddings.subarray(0, 512)] };
  };
}
