/** Draws faces over their photo: the corners of each box, its landmarks and its label. */
import type { Answer, Face } from '../api.ts';
import { h, svg } from '../dom.ts';
import { shownName } from '../names.ts';

/** Length of a corner, as a share of the box's shorter side. */
const CORNER = 0.24;
/** A box that begins higher in the photo has its label below. */
const TOP = 0.14;
/** The label of a face that is farther to the right ends at the right end of its box. */
const RIGHT = 0.6;

export interface Overlay {
  readonly elements: readonly Element[];
  /** Marks one face and dims the others; undefined marks none. */
  mark(index: number | undefined): void;
}

export function overlayOf({ faces, width, height }: Answer): Overlay {
  const boxes = faces.map(({ box }) => inside(box, width, height));
  const groups = faces.map((face, index) => drawing(boxes[index] as Box, face));
  const labels = faces.map((face, index) =>
    labelOf(face, boxes[index] as Box, { width, height, index, count: faces.length }),
  );
  const drawings = svg(
    'svg',
    { viewBox: `0 0 ${width} ${height}`, class: 'overlay', 'aria-hidden': 'true' },
    ...groups,
  );
  const names = h('div', { class: 'labels', 'aria-hidden': 'true' }, ...labels);
  return {
    elements: [drawings, names],
    mark(marked) {
      for (const all of [groups, labels]) {
        all.forEach((element, index) => {
          if (marked === undefined) delete element.dataset.marked;
          else element.dataset.marked = String(index === marked);
        });
      }
    },
  };
}

type Box = Face['box'];

/** A box whose face is cut by the photo's edge ends at the edge. */
export function inside([x1, y1, x2, y2]: Box, width: number, height: number): Box {
  const x = (value: number): number => Math.min(Math.max(value, 0), width);
  const y = (value: number): number => Math.min(Math.max(value, 0), height);
  return [x(x1), y(y1), x(x2), y(y2)];
}

function drawing([x1, y1, x2, y2]: Box, { landmarks }: Face): SVGGElement {
  const width = x2 - x1;
  const height = y2 - y1;
  const size = { x: x1, y: y1, width, height, rx: Math.min(width, height) / 14 };
  const c = Math.min(width, height) * CORNER;
  const corners =
    `M${x1} ${y1 + c}V${y1}H${x1 + c}M${x2 - c} ${y1}H${x2}V${y1 + c}` +
    `M${x2} ${y2 - c}V${y2}H${x2 - c}M${x1 + c} ${y2}H${x1}V${y2 - c}`;
  // A line without length and with round ends is a dot of the same size in every photo.
  const points = landmarks.map(([x, y]) => `M${x} ${y}h0`).join('');
  return svg(
    'g',
    {},
    svg('rect', { ...size, class: 'box' }),
    svg('path', { d: corners, class: 'corners-under' }),
    svg('path', { d: corners, class: 'corners' }),
    svg('path', { d: points, class: 'point-under' }),
    svg('path', { d: points, class: 'point' }),
  );
}

interface Place {
  readonly width: number;
  readonly height: number;
  readonly index: number;
  readonly count: number;
}

/** Above the box, or below it where there is no room above. */
function labelOf(face: Face, [x1, y1, x2, y2]: Box, place: Place): HTMLElement {
  const { width, height, index, count } = place;
  const element = h(
    'div',
    {
      class: 'label',
      'data-below': y1 < height * TOP,
      'data-left': (x1 + x2) / 2 > width * RIGHT,
      'data-unknown': face.known === false,
    },
    h('span', {}, count > 1 && h('b', {}, String(index + 1)), h('i', {}, shownName(face))),
  );
  const percent = (part: number, whole: number): string => `${(100 * part) / whole}%`;
  element.style.left = percent(x1, width);
  element.style.top = percent(y1, height);
  element.style.width = percent(x2 - x1, width);
  element.style.height = percent(y2 - y1, height);
  return element;
}
