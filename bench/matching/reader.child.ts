/**
 * What an inference process does with the live gallery, alone: downloads it, opens it, and looks for faces.
 * Argument: what to do, in JSON. Then answers messages: `search` with times and names, `compare` with the names of
 * a plain comparison with every face.
 */
import { readFile } from 'node:fs/promises';
import { createAwsClients } from '../../cloud/aws/clients.ts';
import { isServiceOutage } from '../../cloud/aws/service-outage.ts';
import { FaceBlock, GalleryMatcher, LEFT_OUT, openFaceFile } from '../../model/index.ts';
import { headSchema } from '../../people/head.ts';
import { messageOf } from '../../runtime/errors.ts';
import { readSettings } from '../../runtime/settings.ts';
import { segmentReader } from '../../worker/gallery/download.ts';
import { SegmentCache } from '../../worker/gallery/segment-cache.ts';
import { overwriteFreedMemory } from '../../worker/inference/freed-memory.ts';
import { LiveGallery } from '../../worker/inference/live-gallery.ts';
import { EMBEDDING_LENGTH } from '../inference/party/made-people.ts';
import type { Loaded, ReaderTask, Searched } from './report.ts';

/** Named in an answer. */
const NEAREST = 3;

const { url, bucket, folder, headFile, bound } = JSON.parse(process.argv[2] ?? '') as ReaderTask;
const head = headSchema.parse(JSON.parse(await readFile(headFile, 'utf8')));
overwriteFreedMemory();
const clients = createAwsClients({ ...readSettings({}, {}), AWS_ENDPOINT_URL: url });
const cache = new SegmentCache({ folder, open: segmentReader(clients.s3, bucket) });
const gallery = new LiveGallery({
  blockOf: (embeddings, length) => FaceBlock.of(embeddings, length),
  openFile: openFaceFile,
  matcherOf: (parts) => new GalleryMatcher(parts),
  encoder: { id: head.encoder, embeddingLength: head.length },
});

const begun = performance.now();
const files = await provide();
const downloaded = performance.now();
const swapped = Promise.withResolvers<GalleryMatcher>();
await gallery.swap({ head, files }, swapped.resolve);
const matcher = await swapped.promise;
const opened = performance.now();
clients.destroy();
const loaded: Loaded = { downloadMs: downloaded - begun, openMs: opened - downloaded };
process.send?.(loaded);

process.on('disconnect', () => process.exit(0));
process.on('message', ({ what, queries }: { what: string; queries: Float32Array }) => {
  const faces = Array.from({ length: queries.length / EMBEDDING_LENGTH }, (_, index) =>
    queries.subarray(index * EMBEDDING_LENGTH, (index + 1) * EMBEDDING_LENGTH),
  );
  const answer: Searched[] = faces.map(what === 'search' ? search : compare);
  process.send?.(answer);
});

/** As a worker's follower does: what a busy machine does not deliver in time is asked for again. */
async function provide(): Promise<string[]> {
  for (;;) {
    try {
      return await cache.provide(head.segments);
    } catch (error) {
      if (!isServiceOutage(error)) throw error;
      console.error(`Downloading again: ${messageOf(error)}`);
    }
  }
}

/** All that a photo's face is asked; in bfloat16 the second question too. */
function search(face: Float32Array): Searched {
  const begun = performance.now();
  const nearest = matcher.nearest(face, NEAREST);
  const found = performance.now();
  matcher.isSettled(face, bound);
  const settled = performance.now();
  const names = nearest.map(({ name }) => name);
  return { names, nearestMs: found - begun, settledMs: settled - found };
}

function compare(face: Float32Array): Searched {
  const begun = performance.now();
  const least = new Map<number, number>();
  for (const { block, personOf } of matcher.blocks) {
    for (let row = 0; row < block.rows; row++) {
      const person = personOf[row]!;
      const distance = block.distance(face, row);
      if (person !== LEFT_OUT && distance < (least.get(person) ?? Number.POSITIVE_INFINITY)) {
        least.set(person, distance);
      }
    }
  }
  const people = [...least].sort((a, b) => a[1] - b[1] || a[0] - b[0]).slice(0, NEAREST);
  const names = people.map(([person]) => matcher.nameOf(person) ?? '');
  return { names, nearestMs: performance.now() - begun, settledMs: 0 };
}
