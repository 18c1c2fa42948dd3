/**
 * The largest face of a photo without looking at all of it. P-Net's finest scales hold most of the
 * pixels and only small faces: once a large face is known, they are looked at where they could still
 * change what is said of it, and nowhere else.
 *
 * Why the answer is that of all scales: a face may be suppressed by boxes that overlap it, or that it
 * suppresses in turn. Boxes of one size suppress each other within and across scales; in the last stage
 * a small box may suppress the large one around it. So every box that is large enough to be compared
 * with the face is looked at in the whole photo, and every smaller one in and around each box that is a
 * contender. What is assumed is that no box comes out of the stages more than `GROWTH` times as long as
 * it went in, and that no chain of small boxes, each in the place of the one before, reaches from
 * beyond the margin into the face. docs/reports/performance.md says how both were tried.
 */
import type { PixelWindow, RgbImage } from '../image/image.ts';
import { boxAreas } from './boxes.ts';
import {
  type CascadeNetworks,
  confirmFaces,
  proposeBoxes,
  StageAnswers,
  scalesOf,
} from './cascade.ts';
import { type DetectedBoxes, type DetectedFace, facesOf } from './faces.ts';
import { PROPOSAL_FIELD, PROPOSAL_STRIDE, type Proposals } from './proposals.ts';
import { buildLevelParts, buildPyramid, type LevelPart, levelSize } from './pyramid.ts';

/** How many times its side a box may grow from P-Net's grid to O-Net's answer. */
const GROWTH = 3;
/** Around a contender, as a share of its side. */
const MARGIN = 0.25;
/** A box of so much of the largest face's area contends with it. */
const CONTENDS = 0.5;
/** Scales left out at first: of a large photo they hold fifteen sixteenths of the pixels. */
const FINEST = 4;
/** How many of them are added at a time while no face is found. */
const STEP = 2;
/** A smaller photo is done before it is decided what to leave out; px. */
const LEAST_PIXELS = 150_000;

/** The face that `detectFaces` would name first; undefined where the photo has none. */
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
  /** Of the coarsest scales, each looked at as a whole. */
  readonly #whole: Proposals[] = [];

  constructor(networks: CascadeNetworks, image: RgbImage) {
    this.#networks = networks;
    this.#image = image;
    this.#scales = scalesOf(image);
  }

  largest(): DetectedFace | undefined {
    const isSmall = this.#image.width * this.#image.height < LEAST_PIXELS;
    let finest = isSmall ? 0 : Math.min(FINEST, Math.max(this.#scales.length - 1, 0));
    for (;;) {
      this.#lookFrom(finest);
      const boxes = this.#decide(this.#whole);
      const [largest] = facesOf(boxes);
      if (finest === 0) return largest;
      const canLeaveOut = largest === undefined ? 0 : smallerThan(sideOf(largest), this.#scales);
      if (largest !== undefined && canLeaveOut >= finest) {
        const face = this.#lookAround(finest, contendersOf(boxes, largest));
        if (face) return face;
        finest = 0; // The finer scales have changed what was found: nothing is left out then.
      } else {
        finest = largest === undefined ? Math.max(0, finest - STEP) : canLeaveOut;
      }
    }
  }

  /** Looks at the whole of every scale from `first` on that was not looked at yet. */
  #lookFrom(first: number): void {
    const missing = this.#scales.slice(first, this.#scales.length - this.#whole.length);
    const levels = buildPyramid(this.#image, missing);
    const whole = levels.map((level) => [level]);
    this.#whole.unshift(...proposeBoxes(this.#networks, whole));
  }

  /**
   * Looks at the finest scales around whatever contends with the largest face.
   * @returns the largest face then; undefined when it is none that the places looked at are enough for
   */
  #lookAround(finest: number, places: readonly Contender[]): DetectedFace | undefined {
    const scales = this.#scales.slice(0, finest);
    const parts = scales.flatMap((scale) => placesOnLevel(this.#image, scale, places));
    const levels = buildLevelParts(this.#image, parts);
    const finer = proposeBoxes(
      this.#networks,
      scales.map((scale) => levels.filter((level) => level.scale === scale)),
    );
    const boxes = this.#decide([...finer, ...this.#whole]);
    const [face] = facesOf(boxes);
    if (face === undefined || smallerThan(sideOf(face), this.#scales) < finest) return undefined;
    const areKnown = contendersOf(boxes, face).every((one) =>
      places.some((place) => holds(place, one)),
    );
    return areKnown ? face : undefined;
  }

  #decide(perScale: readonly Proposals[]): DetectedBoxes {
    return confirmFaces(this.#networks, this.#image, perScale, this.#answers);
  }
}

/** How many of the finest scales have only boxes too small to be compared with a face of this side, px. */
function smallerThan(side: number, scales: readonly number[]): number {
  const first = scales.findIndex((scale) => (PROPOSAL_FIELD / scale) * GROWTH > side);
  return first < 0 ? scales.length : first;
}

function sideOf({ box: [x1, y1, x2, y2] }: DetectedFace): number {
  return Math.sqrt(Math.max(x2 - x1, 0) * Math.max(y2 - y1, 0));
}

interface Contender {
  /** px of the photo; may reach beyond it */
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
  readonly margin: number;
}

function contendersOf({ boxes }: DetectedBoxes, largest: DetectedFace): Contender[] {
  const least = CONTENDS * sideOf(largest) ** 2;
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

/** Whether a box lies in a place and its margin. */
function holds(place: Contender, box: Contender): boolean {
  return (
    box.left >= place.left - place.margin &&
    box.top >= place.top - place.margin &&
    box.right <= place.right + place.margin &&
    box.bottom <= place.bottom + place.margin
  );
}

/** Windows of a level that share no pixel and hold every place with its margin and P-Net's field. */
function placesOnLevel(image: RgbImage, scale: number, places: readonly Contender[]): LevelPart[] {
  const { right: width, bottom: height } = levelSize(image, scale);
  let windows = places.map(({ left, top, right, bottom, margin }): PixelWindow => {
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

/** From an even pixel, over an even number of them or to the level's end, at least a field. */
function span(from: number, to: number, side: number): [number, number] {
  const latest = Math.max(0, side - PROPOSAL_FIELD);
  const start = Math.min(Math.max(0, Math.floor(from) - PROPOSAL_FIELD), latest);
  const even = start - (start % PROPOSAL_STRIDE);
  const least = Math.max(Math.ceil(to) + PROPOSAL_FIELD, even + PROPOSAL_FIELD);
  const end = Math.min(side, least + ((least - even) % PROPOSAL_STRIDE));
  return [even, end];
}

/** Adds a window to others, as one with the first that it meets. */
function mergeInto(windows: PixelWindow[], window: PixelWindow): PixelWindow[] {
  const at = windows.findIndex((other) => meet(window, other));
  if (at < 0) return [...windows, window];
  const other = windows[at]!;
  return windows.with(at, {
    left: Math.min(window.left, other.left),
    top: Math.min(window.top, other.top),
    right: Math.max(window.right, other.right),
    bottom: Math.max(window.bottom, other.bottom),
  });
}

/** Whether a cell's field could lie in both. */
function meet(a: PixelWindow, b: PixelWindow): boolean {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}
