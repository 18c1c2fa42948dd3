/** Cut faces in a file, so that every party embeds the same ones. */
import { open, writeFile } from 'node:fs/promises';

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

/** Times `embed` on the file's first faces; several files are kept ready. */
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
