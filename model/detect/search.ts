/** Searches a photo for the faces that the caller asked for. */

import type { RgbImage } from '../image/image.ts';
import type { RecognizeOptions } from '../recognition.ts';
import type { CascadeNetworks } from './cascade.ts';
import { detectFaces } from './cascade.ts';
import type { DetectedFace } from './faces.ts';
import { detectLargestFace } from './largest.ts';
import { findUpright, type UprightFaces } from './upright.ts';

const DEFAULT_TOP = 3;

/** The options for one photo, with every default filled in. */
export type SearchOptions = Required<Omit<RecognizeOptions, 'knownWithin' | 'knownOdds'>> &
  Pick<RecognizeOptions, 'knownWithin' | 'knownOdds'>;

/** @throws {RangeError} when `top` is not a whole number of at least 1 */
export function searchOptions({
  top = DEFAULT_TOP,
  allFaces = false,
  mostFaces = Number.POSITIVE_INFINITY,
  orient = true,
  embed = 'fast',
  knownWithin,
  knownOdds,
}: RecognizeOptions = {}): SearchOptions {
  if (!Number.isInteger(top) || top < 1)
    throw new RangeError('top must be a whole number of at least 1.');
  return { top, allFaces, mostFaces, orient, embed, knownWithin, knownOdds };
}

/** The requested faces, largest first, and the photo in the turn in which they were found. */
export function searchFaces(
  networks: CascadeNetworks,
  image: RgbImage,
  { allFaces, mostFaces, orient }: SearchOptions,
): UprightFaces {
  const detect = (photo: RgbImage): DetectedFace[] => {
    if (allFaces) return detectFaces(networks, photo).slice(0, mostFaces);
    const largest = detectLargestFace(networks, photo);
    return largest === undefined ? [] : [largest];
  };
  return orient ? findUpright(networks, image, detect) : { image, turn: 0, faces: detect(image) };
}
