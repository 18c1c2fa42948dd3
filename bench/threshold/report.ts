/** From distances to a table of errors by threshold, and where they are equal. Pure. */

export interface Distances {
  /** Of faces from their own entry. */
  readonly own: readonly number[];
  /** Of the same faces from the nearest other entry: as if their own were not there. */
  readonly stranger: readonly number[];
  /** Of the gallery's people from the nearest other one. */
  readonly gallery: readonly number[];
}

const STEP = 0.01;

/** @param chosen the threshold that is set */
export function reportOf({ own, stranger, gallery }: Distances, chosen: number): string {
  const all = [...own, ...stranger, ...gallery];
  const [from, to] = [Math.min(...all), Math.max(...all)].map((one) => Math.round(one / STEP));
  const rows: string[] = [];
  for (let step = from as number; step <= (to as number) + 1; step++) {
    const threshold = step * STEP;
    const cells = [
      threshold.toFixed(2) + (Math.abs(threshold - chosen) < STEP / 2 ? ' (set)' : ''),
      share(own, (one) => one >= threshold),
      share(stranger, (one) => one < threshold),
      share(gallery, (one) => one < threshold),
    ];
    rows.push(`| ${cells.join(' | ')} |`);
  }
  return [
    `${own.length} different faces; ${gallery.length} people in the gallery.`,
    `Both errors on the photos are most nearly equal at ${equalError(own, stranger).toFixed(2)}.`,
    '',
    '| below this is known | own entry refused | stranger taken | gallery entries taken for another |',
    '| --- | --- | --- | --- |',
    ...rows,
  ].join('\n');
}

/**
 * The threshold at which as great a share of `own` is refused as of `stranger` is taken; of several, the
 * one in their middle.
 */
export function equalError(own: readonly number[], stranger: readonly number[]): number {
  const apart = (threshold: number): number =>
    Math.abs(
      own.filter((one) => one >= threshold).length / own.length -
        stranger.filter((one) => one < threshold).length / stranger.length,
    );
  const steps = Array.from({ length: 2 / STEP + 1 }, (_, step) => step * STEP);
  const least = Math.min(...steps.map(apart));
  const best = steps.filter((step) => apart(step) - least < 1e-9);
  return best[Math.floor((best.length - 1) / 2)] as number;
}

function share(distances: readonly number[], counts: (distance: number) => boolean): string {
  const count = distances.filter(counts).length;
  return `${count} of ${distances.length} (${((100 * count) / distances.length).toFixed(0)} %)`;
}
