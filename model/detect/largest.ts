/**
 * Finds the largest face of a photo without running P-Net on all of it. P-Net's finest scales hold most of
 * the pixels and only small faces. Once a large face is known, they are searched only where a box could still
 * change the result for that face.
 *
 * Why the answer is that of all scales: a face can be suppressed by boxes that overlap it, directly or through
 * other boxes. Boxes of similar size suppress each other within and across scales; in the last stage a small
 * box can suppress the large one around it. So every box large enough to be compared with the face is
 * searched for in the whole photo, and smaller ones in and around each contender. This rests on two
 * assumptions: no box leaves the stages more than `MAX_GROWTH` times as long as it entered them, and no chain of
 * small boxes, each suppressing the next, reaches from outside the margin into the face.
 * docs/reports/performance.md says how both were tested.
 */
import type { PixelWindow, RgbImage } from '../image/image.ts';
import { boxAreas } from './boxes.ts';
import { type CascadeNetworks, confirmFaces, proposeBoxes, scalesOf } from './cascade.ts';
import { type DetectedBoxes, type DetectedFace, facesOf } from './faces.ts';
import { PROPOSAL_FIELD, PROPOSAL_STRIDE, type Proposals } from './propose/proposals.ts';
import { buildLevelParts, buildPyramid, type LevelPart, levelSize } from './pyramid.ts';
import { StageAnswers } from './stage-answers.ts';

/** Maximum factor by which the side of a box grows from P-Net's grid to O-Net's answer. */
const MAX_GROWTH = 3;
/** Margin around a contender, as a share of its side. */
const MARGIN = 0.25;
/** Maximum margin, as a multiple of the side of the boxes that a scale proposes: room for a chain of ten of them. */
const MARGIN_BOXES = 4;
/** A box of at least this share of the largest face's area is a contender. */
const CONTENDER_AREA = 0.5;
/** Number of finest scales skipped at first: in a large photo they hold fifteen sixteenths of the pixels. */
const SKIPPED_SCALES = 4;
/** Number of scales added at a time until a face is found. */
const ADDED_SCALES = 2;
/** px: a smaller photo is searched completely, which takes less time than deciding what to skip. */
const MIN_PIXELS = 150_000;

/** The face that `detectFaces` would return first; undefined if the photo has no face. */
export function detectLargestFace(
  networks: CascadeNetworks,
  image: RgbImage,
): DetectedFace | undefined {
  return new LargestFaceSearch(networks, image).largest();
}

class LargestFaceSearch {
  readonly #networks: CascadeNetworks;
  readonly #image: RgbImage;
  readonly #scales: readonly number[];
  readonly #answers = new StageAnswers();
  /** Proposals of the scales that were searched completely, finest first. */
  readonly #whole: Proposals[] = [];

  constructor(networks: CascadeNetworks, image: RgbImage) {
    this.#networks = networks;
    this.#image = image;
    this.#scales = scalesOf(image);
  }

  largest(): DetectedFace | undefined {
    const isSmall = this.#image.width * this.#image.height < MIN_PIXELS;
    let finest = isSmall ? 0 : Math.min(SKIPPED_SCALES, Math.max(this.#scales.length - 1, 0));
    for (;;) {
      this.#searchScales(finest);
      const boxes = this.#confirm(this.#whole);
      const [largest] = facesOf(boxes);
      if (finest === 0) return largest;
      const canSkip = largest === undefined ? 0 : scalesTooFineFor(sideOf(largest), this.#scales);
      if (largest !== undefined && canSkip >= finest) {
        const face = this.#searchAround(finest, contendersOf(boxes, largest));
        if (face) return face;
        finest = 0; // The finer scales changed the result, so nothing is skipped.
      } else {
        finest = largest === undefined ? Math.max(0, finest - ADDED_SCALES) : canSkip;
      }
    }
  }

  /** Searches the whole of every scale from `first` on that was not searched yet. */
  #searchScales(first: number): void {
    const missing = this.#scales.slice(first, this.#scales.length - this.#whole.length);
    const levels = buildPyramid(this.#image, missing);
    const whole = levels.map((level) => [level]);
    this.#whole.unshift(...proposeBoxes(this.#networks, whole));
  }

  /**
   * Searches the finest scales around all contenders of the largest face.
   * @returns the largest face after that; undefined if the searched places do not suffice for it
   */
  #searchAround(finest: number, places: readonly Contender[]): DetectedFace | undefined {
    const scales = this.#scales.slice(0, finest);
    const parts = scales.flatMap((scale) => placesOnLevel(this.#image, scale, places));
    const levels = buildLevelParts(this.#image, parts);
    const finer = proposeBoxes(
      this.#networks,
      scales.map((scale) => levels.filter((level) => level.scale === scale)),
    );
    const boxes = this.#confirm([...finer, ...this.#whole]);
    const [face] = facesOf(boxes);
    if (face === undefined || scalesTooFineFor(sideOf(face), this.#scales) < finest)
      return undefined;
    const areSearched = contendersOf(boxes, face).every((one) =>
      places.some((place) => contains(place, one, marginAt(this.#scales[0]!, place))),
    );
    return areSearched ? face : undefined;
  }

  #confirm(perScale: readonly Proposals[]): DetectedBoxes {
    return confirmFaces(this.#networks, this.#image, perScale, this.#answers);
  }
}

/** Number of finest scales whose boxes are all too small to be compared with a face of this side, px. */
function scalesTooFineFor(side: number, scales: readonly number[]): number {
  const first = scales.findIndex((scale) => (PROPOSAL_FIELD / scale) * MAX_GROWTH > side);
  return first < 0 ? scales.length : first;
}

function sideOf({ box: [x1, y1, x2, y2] }: DetectedFace): number {
  return Math.sqrt(Math.max(x2 - x1, 0) * Math.max(y2 - y1, 0));
}

interface Contender {
  /** px of the photo; may extend past its edges */
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
  readonly margin: number;
}

function contendersOf({ boxes }: DetectedBoxes, largest: DetectedFace): Contender[] {
  const least = CONTENDER_AREA * sideOf(largest) ** 2;
  const areas = boxAreas(boxes);
  const places: Contender[] = [];
  for (const [row, area] of areas.entries()) {
    if (area < least) continue;
    const [left, top, right, bottom] = boxes.subarray(row * 4, row * 4 + 4);
    const margin = MARGIN * Math.sqrt(area);
    places.push({ left: left!, top: top!, right: right!, bottom: bottom!, margin });
  }
  return places;
}

/** Whether a box is inside a place and this margin. */
function contains(place: Contender, box: Contender, margin: number): boolean {
  return (
    box.left >= place.left - margin &&
    box.top >= place.top - margin &&
    box.right <= place.right + margin &&
    box.bottom <= place.bottom + margin
  );
}

/** px of the photo: the margin that is searched at a scale. */
function marginAt(scale: number, { margin }: Contender): number {
  return Math.min(margin, (MARGIN_BOXES * PROPOSAL_FIELD) / scale);
}

/** Windows of a level that share no pixel and cover every place with its margin and P-Net's field. */
function placesOnLevel(image: RgbImage, scale: number, places: readonly Contender[]): LevelPart[] {
  const { right: width, bottom: height } = levelSize(image, scale);
  let windows = places.map((place): PixelWindow => {
    const { left, top, right, bottom } = place;
    const margin = marginAt(scale, place);
    const [x1, x2] = span((left - margin) * scale, (right + margin) * scale, width);
    const [y1, y2] = span((top - margin) * scale, (bottom + margin) * scale, height);
    return { left: x1, top: y1, right: x2, bottom: y2 };
  });
  for (let count = 0; count !== windows.length; ) {
    count = windows.length;
    windows = windows.reduce<PixelWindow[]>(mergeInto, []);
  }
  return windows.map((window) => ({ scale, window }));
}

/** Starts at an even pixel, and covers an even number of pixels or ends with the level; at least one field. */
function span(from: number, to: number, side: number): [number, number] {
  const latest = Math.max(0, side - PROPOSAL_FIELD);
  const start = Math.min(Math.max(0, Math.floor(from) - PROPOSAL_FIELD), latest);
  const even = start - (start % PROPOSAL_STRIDE);
  const least = Math.max(Math.ceil(to) + PROPOSAL_FIELD, even + PROPOSAL_FIELD);
  const end = Math.min(side, least + ((least - even) % PROPOSAL_STRIDE));
  return [even, end];
}

/** Adds a window to others, merging it with the first one that it overlaps. */
function mergeInto(windows: PixelWindow[], window: PixelWindow): PixelWindow[] {
  const at = windows.findIndex((other) => overlap(window, other));
  if (at < 0) return [...windows, window];
  const other = windows[at]!;
  return windows.with(at, {
    left: Math.min(window.left, other.left),
    top: Math.min(window.top, other.top),
    right: Math.max(window.right, other.right),
    bottom: Math.max(window.bottom, other.bottom),
  });
}

/** Whether the field of one cell could be in both. */
function overlap(a: PixelWindow, b: PixelWindow): boolean {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}
