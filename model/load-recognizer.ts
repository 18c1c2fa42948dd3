/** Loads a recognizer from the folder of a converted model: networks, gallery and odds. */
import { commandLine } from '../runtime/installation.ts';
import { openNetworks } from './backend/open-networks.ts';
import { proposeOnScales } from './detect/propose/propose.ts';
import { ModelError } from './errors.ts';
import { readManifest } from './manifest.ts';
import { readGallery, requireGalleryOf } from './match/gallery.ts';
import { GalleryMatcher } from './match/gallery-matcher.ts';
import type { Networks } from './networks.ts';
import { GalleryOdds } from './odds/gallery-odds.ts';
import { choosePrecision, ON_WASM } from './precision/fastest.ts';
import type { LoadOptions, Recognizer } from './recognition.ts';
import { LoadedRecognizer } from './recognizer.ts';

/**
 * Loads the converted model from its folder.
 * @throws {ModelError} when the folder holds no model of this version
 * @throws {BackendError} when the backend asked for cannot run here
 */
export async function loadRecognizer(
  directory: string,
  { warmUp = false, precision = 'auto', ...open }: LoadOptions = {},
): Promise<Recognizer> {
  const manifest = await readManifest(directory);
  const { bfloat16Bound, encoder } = manifest;
  if (precision === 'bfloat16' && !encoder.precisions.includes(precision)) {
    throw new ModelError(
      `The model in ${directory} has the ${encoder.kind} encoder, which computes in float32 only: ` +
        'set PRECISION to auto or float32.',
    );
  }
  if (precision === 'bfloat16' && bfloat16Bound === undefined) {
    throw new ModelError(
      `The model in ${directory} was converted where its error in bfloat16 could not be measured: ` +
        `use float32, or convert it again with \`${commandLine('convert')}\` where tensorflow loads.`,
    );
  }
  const choice = await choosePrecision(directory, manifest, { ...open, precision });
  const gallery = await readGallery(directory);
  requireGalleryOf(encoder, gallery, directory);
  const matcher = GalleryMatcher.of(gallery);
  const networks = await openNetworks(directory, {
    ...open,
    encoder,
    precision: choice.precision,
    kernels: choice.kernels,
  });
  if (warmUp) runEachNetwork(networks);
  const reason = networks.backend === 'wasm' ? ON_WASM : choice.reason;
  const odds = GalleryOdds.of(encoder.kind, matcher, manifest.odds);
  return new LoadedRecognizer({
    networks,
    matcher,
    odds,
    bound: bfloat16Bound ?? 0,
    precisionReason: reason,
  });
}

/** Grey input: what comes out does not matter, only that kernels are compiled and memory is there. */
function runEachNetwork(networks: Networks): void {
  const grey = (size: number): Float32Array => new Float32Array(size * size * 3);
  const level = { scale: 1, left: 0, top: 0, width: 64, height: 64, data: grey(64) };
  proposeOnScales(networks, [[level]], 1);
  // Where own kernels answer for them, these two are asked in one photo of many.
  if (networks.ownStages === undefined) {
    networks.refine(grey(24), 1);
    networks.output(grey(48), 1);
  }
  // In bfloat16 float32 is for a face in five: the first such takes a quarter second more, not every start.
  networks.embed(grey(networks.encoder.faceSize), 1, networks.precision);
}
