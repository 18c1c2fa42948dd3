/**
 * The inference process: the model behind the worker's channel. A process of its own, since its calls
 * hold the event loop for as long as they compute, and native code can take a process down with it.
 * Arguments: model folder, backend, precision, threads, KNOWN_DISTANCE and KNOWN_ODDS or nothing for each.
 * Knows nothing of queues.
 */

import { MOST_FACES } from '../../cloud/contract/match.ts';
import type { Ask } from '../../cloud/contract/messages.ts';
import type { Backend, Precision, Recognition, RecognizeOptions } from '../../model/index.ts';
import { beginLoading } from '../../model/native/load.ts';
import { keepCompiled, writeCompiled } from '../../runtime/folders.ts';
import { overwriteFreedMemory } from './freed-memory.ts';
import { type KnownRule, knownRule } from './known-rule.ts';
import type { Answer, Photo } from './protocol.ts';
import { serveInference } from './serve.ts';

/** How many of the nearest people an answer names. */
const NEAREST = 3;
/** A bfloat16 encoder takes half the time a face in a call with four. */
const BFLOAT16_TOGETHER = 4;

const [
  directory = '',
  backend = 'auto',
  precision = 'auto',
  threads = '1',
  knownDistance = '',
  knownOdds = '',
] = process.argv.slice(2);

keepCompiled();
if (backend !== 'wasm') beginLoading();
overwriteFreedMemory();
await serveInference(async () => {
  // Imported here, so that the signals of serve.ts are handled before the model loads.
  const { encoderId, FaceBlock, GalleryMatcher, loadRecognizer, openFaceFile } = await import(
    '../../model/index.ts'
  );
  const { readManifest, versionOf } = await import('../../model/manifest.ts');
  const { releaseMappedPages } = await import('../../model/native/mapped-pages.ts');
  const { imageReason, outcomeOf, refusalOf } = await import('./outcome.ts');
  const { LiveGallery } = await import('./live-gallery.ts');
  const { performWork } = await import('./people-work.ts');
  const recognizer = await loadRecognizer(directory, {
    backend: backend as Backend | 'auto',
    precision: precision as Precision | 'auto',
    threads: Number(threads),
    warmUp: true,
    onFallback: (reason) => process.stderr.write(`${reason}\n`),
  });
  writeCompiled();
  releaseMappedPages(directory);
  const answerTo = (recognition: Recognition | Error, { ask }: Photo): Answer => {
    if (!(recognition instanceof Error)) {
      return { outcome: outcomeOf(recognition, ask), timings: { ...recognition.timings } };
    }
    const outcome = refusalOf(recognition);
    if (outcome === undefined) throw recognition;
    return { outcome, timings: {} };
  };
  const { backend: engine, precision: computesIn, precisionReason, encoder } = recognizer;
  const known = {
    distance: numberIn(knownDistance),
    odds: numberIn(knownOdds),
    encoderDistance: encoder.knownDistance,
  };
  const version = versionOf(await readManifest(directory));
  const gallery = new LiveGallery({
    blockOf: (embeddings, length) => FaceBlock.of(embeddings, length),
    openFile: openFaceFile,
    matcherOf: (parts) => new GalleryMatcher(parts),
    encoder: { id: encoderId(encoder), embeddingLength: encoder.embeddingLength },
  });
  return {
    backend: `${engine}, ${computesIn}`,
    reason: `${computesIn}: ${precisionReason}`,
    model: { backend: engine, precision: computesIn, version },
    // In float32 four faces take four times as long as one: the first would only wait for the last.
    together: computesIn === 'bfloat16' ? BFLOAT16_TOGETHER : 1,
    async compute(photos) {
      const bytes = photos.map((photo) => photo.bytes);
      const recognitions = await recognizer.recognizeAll(
        bytes,
        photos.map(({ ask }) => optionsOf(ask, knownRule(ask, known, recognizer.gallery.version))),
      );
      return recognitions.map((recognition, index) =>
        answerTo(recognition, photos[index] as Photo),
      );
    },
    perform: (task) => performWork(task, { recognizer, refusalOf: imageReason, settings: known }),
    swap: (files) => gallery.swap(files, (matcher) => recognizer.setGallery(matcher)),
  };
});

function optionsOf(ask: Ask, known: KnownRule): RecognizeOptions {
  return {
    top: ask.top ?? NEAREST,
    allFaces: ask.faces === 'all',
    mostFaces: MOST_FACES,
    // Only where it is asked: near the distance, a bfloat16 embedding costs another one in float32.
    ...(ask.known ? known : {}),
  };
}

function numberIn(text: string): number | undefined {
  return text === '' ? undefined : Number(text);
}
