/** Every face of a photo: the three stages over all of its scales. */
import type { RgbImage } from '../image/image.ts';
import { buildPyramid } from './pyramid.ts';
import {
  type CascadeNetworks,
  type DetectedFace,
  decide,
  facesOf,
  propose,
  scalesOf,
} from './stages.ts';

/** Every face of at least 20 px in the photo, largest first. */
export function detectFaces(networks: CascadeNetworks, image: RgbImage): DetectedFace[] {
  const levels = buildPyramid(image, scalesOf(image));
  const perScale = propose(
    networks,
    levels.map((level) => [level]),
  );
  return facesOf(decide(networks, image, perScale));
}
