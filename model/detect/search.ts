/** Which faces of a photo are asked for, and the search for them. Knows no gallery. */

import type { RgbImage } from '../image/image.ts';
import type { RecognizeOptions } from '../recognition.ts';
import type { CascadeNetworks } from './cascade.ts';
import { detectFaces } from './cascade.ts';
import type { DetectedFace } from './faces.ts';
import { detectLargestFace } from './largest.ts';
import { findUpright, type UprightFaces } from './upright.ts';

const DEFAULT_TOP = 3;

/** What is asked of one photo, with every default filled in. */
export type SearchOptions = Required<Omit<RecognizeOptions, 'knownWithin' | 'knownOdds'>> &
  Pick<RecognizeOptions, 'knownWithin' | 'knownOdds'>;

/** @throws {RangeError} when `top` is no whole number from 1 */
export function searchOptions({
  top = DEFAULT_TOP,
  allFaces = false,
  mostFaces = Number.POSITIVE_INFINITY,
  orient = true,
  embed = 'fast',
  knownWithin,
  knownOdds,
}: RecognizeOptions = {}): SearchOptions {
  if (!Number.isInteger(top) || top < 1) throw new RangeError('top must be a whole number from 1.');
  return { top, allFaces, mostFaces, orient, embed, knownWithin, knownOdds };
}

/** The faces that are asked for, largest first, and the photo in the turn that they were found in. */
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
