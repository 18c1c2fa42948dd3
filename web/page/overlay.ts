/** Draws a face over its photo: the box's corners, and the five landmarks. */
import type { Answer, Face } from './api.ts';
import { svg } from './dom.ts';

/** Of the box's shorter side. */
const CORNER = 0.24;

export function overlayOf(answer: Answer): SVGSVGElement {
  const { width, height } = answer;
  return svg(
    'svg',
    { viewBox: `0 0 ${width} ${height}`, class: 'overlay', 'aria-hidden': 'true' },
    faceOf(answer),
  );
}

function faceOf({ box, landmarks }: Face): SVGGElement {
  const [x1, y1, x2, y2] = box;
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
