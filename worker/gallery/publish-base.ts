/** Publishes the model's own gallery in the people bucket, so that its people can be changed like all others. */
import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { S3Client } from '@aws-sdk/client-s3';
import { ModelError } from '../../model/errors.ts';
import { encoderId, modelFiles } from '../../model/format.ts';
import { readManifest } from '../../model/manifest.ts';
import { readGallery } from '../../model/match/gallery.ts';
import { type ModelGallery, publishBase } from '../../people/base.ts';
import { messageOf } from '../../runtime/errors.ts';
import type { Logger } from '../../runtime/log.ts';

const RETRY_MS = 60_000;

export interface BaseOptions {
  readonly s3: S3Client;
  readonly bucket: string;
  /** Of the model. */
  readonly directory: string;
  readonly log: Logger;
  /** Aborted when the worker stops. */
  readonly signal: AbortSignal;
}

/** Tries until it is done. Never rejects: photos are recognised without it. */
export async function publishOwnGallery(options: BaseOptions): Promise<void> {
  const { s3, bucket, directory, log, signal } = options;
  let reported = false;
  while (!signal.aborted) {
    try {
      const done = await publishBase(s3, bucket, await ownGallery(directory));
      if (done !== 'unchanged') log.info({ done }, 'Published the gallery of the model');
      return;
    } catch (err) {
      if (err instanceof ModelError) return; // The inference process says what is wrong with the model.
      if (!reported)
        log.warn({ reason: messageOf(err) }, 'Cannot publish the model’s gallery; retrying.');
      reported = true;
    }
    await delay(RETRY_MS, undefined, { signal }).catch(() => {});
  }
}

async function ownGallery(directory: string): Promise<ModelGallery> {
  const [{ names, embeddings }, { encoder, outputs }] = await Promise.all([
    readGallery(directory),
    readManifest(directory),
  ]);
  const files: readonly string[] = [modelFiles.gallery, modelFiles.galleryEmbeddings];
  const digests = outputs.filter(({ file }) => files.includes(file)).map(({ sha256 }) => sha256);
  // The same gallery under other weights is another one.
  const all = [...digests.sort(), ...(encoder.id === undefined ? [] : [encoder.id])];
  const digest = createHash('sha256').update(all.join(' ')).digest('hex');
  return {
    encoder: encoderId(encoder),
    names,
    embeddings,
    length: embeddings.length / names.length,
    digest,
  };
}
