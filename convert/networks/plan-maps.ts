/** Where the feature maps of a plan lie: maps of one shape that are not needed at the same time share memory. */
import type { EncoderPlan, PlanMap, PlanStep } from '../../model/native/encoder/plan.ts';

/** One for each result of the network; told apart by identity. */
export type PlannedMap = PlanMap;
export type PlannedStep = Omit<PlanStep, 'from' | 'to'> & {
  readonly from: PlannedMap;
  readonly to: PlannedMap;
};

/**
 * Sides of maps above which a step takes one image at a time, since several would not fit into the second cache. On
 * smaller maps the weights are what does not fit, and several images share them.
 */
const LARGE_SIDE = 12;

/**
 * Only maps of one shape, border and type are shared, so that borders stay zero.
 * @param image the first step's input, which the caller keeps
 */
export function withSharedMaps(image: PlannedMap, steps: readonly PlannedStep[]): EncoderPlan {
  const lastUse = new Map<PlannedMap, number>();
  for (const [at, { from, to }] of steps.entries()) {
    lastUse.set(from, at);
    lastUse.set(to, at);
  }
  const maps: PlanMap[] = [image];
  const indices = new Map<PlannedMap, number>([[image, 0]]);
  const free = new Map<string, number[]>();
  const placed = steps.map(({ from, to, ...step }, at): PlanStep => {
    const index = indices.get(to) ?? free.get(shapeOf(to))?.pop() ?? maps.push(to) - 1;
    indices.set(to, index);
    for (const map of new Set([from, to])) {
      if (lastUse.get(map) !== at || map === image) continue;
      const shape = shapeOf(map);
      free.set(shape, [...(free.get(shape) ?? []), indices.get(map)!]);
    }
    return { ...step, from: indices.get(from)!, to: index };
  });
  const each =
    steps.findLastIndex(({ from }) => Math.max(from.height, from.width) > LARGE_SIDE) + 1;
  return { each, maps, steps: placed };
}

function shapeOf({ height, width, channels, border, type }: PlanMap): string {
  return [height, width, channels, border.y, border.x, type].join();
}
