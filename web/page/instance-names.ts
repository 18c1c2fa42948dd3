/** Instances by the names that their tiles have; an answer gives only the id. */
import type { LiveState } from '../live/state.ts';

const names = new Map<string, string>();

export function learnNames({ instances }: LiveState): void {
  for (const { id, name } of instances) names.set(id, name);
}

/** `instance 3`; the id of one that was never seen. */
export function nameOf(id: string): string {
  const number = /\d+$/.exec(names.get(id) ?? '')?.[0];
  return number === undefined ? id : `instance ${number}`;
}
