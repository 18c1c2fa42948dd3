/** A fleet that never changes: what people have who do not scale. */
import type { Scaler } from '../world.ts';

export function fixedFleet(size: number): Scaler {
  return {
    tick: ({ serving, booting }) => ({ launch: Math.max(0, size - serving - booting.length) }),
  };
}
