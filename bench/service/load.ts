/** What is asked of a running system, whichever it is: a crowd, or one photo at a time. */
import { readFile } from 'node:fs/promises';
import type { ImageFile, Predictions } from '../../workload/photos.ts';
import { createPoster } from '../../workload/post.ts';
import { runWorkload } from '../../workload/run.ts';
import { BenchError } from '../errors.ts';

export interface Photos {
  readonly images: readonly ImageFile[];
  readonly predictions: Predictions;
}

export interface Crowd {
  readonly photosPerSecond: number;
  /** From the first post to the first answer, ms. */
  readonly firstMs: number;
}

/**
 * @param connections photos under way at once
 * @throws {BenchError} when one is not answered, or wrongly: a fast wrong answer is no figure
 */
export async function postCrowd(
  url: URL,
  { images, predictions }: Photos,
  requests: number,
  connections: number,
): Promise<Crowd> {
  const poster = createPoster(url, connections);
  const begun = performance.now();
  let firstMs: number | undefined;
  try {
    const tally = await runWorkload(
      { images, predictions, requests, connections, retries: 0 },
      poster,
      new AbortController().signal,
      () => {
        firstMs ??= performance.now() - begun;
      },
    );
    const { passed, throughput, failures } = tally.summary();
    if (!passed || firstMs === undefined) {
      throw new BenchError(`Not every photo was named right: ${JSON.stringify(failures[0])}`);
    }
    return { photosPerSecond: throughput, firstMs };
  } finally {
    poster.close();
  }
}

/** @returns for each photo, one after the other, the request's id where the system names one, and ms */
export async function postOneByOne(
  url: URL,
  { images }: Photos,
  count: number,
): Promise<{ readonly id: string; readonly ms: number }[]> {
  const taken: { id: string; ms: number }[] = [];
  for (let at = 0; at < count; at++) {
    const { path, name } = images[at % images.length]!;
    const form = new FormData();
    form.set('inputFile', new Blob([await readFile(path)]), name);
    const begun = performance.now();
    const response = await fetch(url, { method: 'POST', body: form });
    await response.text();
    const ms = performance.now() - begun;
    if (!response.ok) throw new BenchError(`${name} was answered with ${response.status}.`);
    taken.push({ id: response.headers.get('x-request-id') ?? '', ms });
  }
  return taken;
}
