/** The turn, scale and shift that best maps one set of points to another. */
import type { Point } from '../detect/faces.ts';

/** (x, y) becomes (a·x − b·y + dx, b·x + a·y + dy): a scale of √(a² + b²) and a turn of atan2(b, a). */
export interface Similarity {
  readonly a: number;
  readonly b: number;
  readonly dx: number;
  readonly dy: number;
}

/**
 * The similarity without reflection that minimises the sum of squared distances: Umeyama, Least-squares
 * estimation of transformation parameters between two point patterns (1991). In the plane, with centred
 * points as complex numbers p and q, it is q = c·p with c = Σ p̄·q / Σ |p|².
 * @param from at least two different points
 * @param to the same number of points
 */
export function similarityBetween(from: readonly Point[], to: readonly Point[]): Similarity {
  const [fromX, fromY] = centreOf(from);
  const [toX, toY] = centreOf(to);
  let [along, across, square] = [0, 0, 0];
  for (const [index, [x, y]] of from.entries()) {
    const [u, v] = to[index]!;
    const [px, py, qx, qy] = [x - fromX, y - fromY, u - toX, v - toY];
    along += px * qx + py * qy;
    across += px * qy - py * qx;
    square += px * px + py * py;
  }
  const [a, b] = [along / square, across / square];
  return { a, b, dx: toX - (a * fromX - b * fromY), dy: toY - (b * fromX + a * fromY) };
}

export function transformed({ a, b, dx, dy }: Similarity, [x, y]: Point): Point {
  return [a * x - b * y + dx, b * x + a * y + dy];
}

function centreOf(points: readonly Point[]): Point {
  const sum = (axis: 0 | 1): number => points.reduce((total, point) => total + point[axis], 0);
  return [sum(0) / points.length, sum(1) / points.length];
}
