/**
 * The library: image bytes in, people out.
 *
 *     const recognizer = await loadRecognizer(directory);
 *     const { faces } = await recognizer.recognize(jpegBytes);
 */
export type { OpenOptions } from './backend/open-networks.ts';
export type { Box, DetectedFace, Point } from './detect/faces.ts';
export { BackendError, ImageError, ModelError } from './errors.ts';
export {
  type EncoderDescription,
  type EncoderKind,
  encoderId,
  type Precision,
} from './format.ts';
export type { QuarterTurn } from './image/turn.ts';
export { loadRecognizer } from './load-recognizer.ts';
export { FaceBlock } from './match/face-block.ts';
export { type FaceFile, indexPath, openFaceFile } from './match/face-file.ts';
export {
  type GalleryBlock,
  GalleryMatcher,
  type GalleryPerson,
  LEFT_OUT,
  type Neighbour,
} from './match/gallery-matcher.ts';
export type { Backend } from './networks.ts';
export type { GalleryOdds } from './odds/gallery-odds.ts';
export { toldOdds } from './odds/odds.ts';
export type { Quality } from './quality/quality.ts';
export {
  type Face,
  type LoadOptions,
  largestFace,
  type RatedNeighbour,
  type Recognition,
  type RecognizeOptions,
  type Recognizer,
  type Timings,
} from './recognition.ts';
