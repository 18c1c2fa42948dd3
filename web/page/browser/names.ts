/** What photos, faces and instances are called. */
import type { LiveState } from '../../live/state.ts';
import type { Face } from './api.ts';
import { count } from './words.ts';

/** Names of one photo that its title lists. */
const MOST_LISTED = 4;
const UNKNOWN = 'Unknown';

/** The nearest person's name is not a face's name where that person is not near enough. */
export function shownName({ known, name }: Pick<Face, 'known' | 'name'>): string {
  return known === false ? UNKNOWN : name;
}

/** `Ada, Grace and 3 unknown`. */
export function titleOf(faces: readonly Face[]): string {
  const [only] = faces;
  if (faces.length === 1 && only) return shownName(only);
  const known = [...new Set(faces.filter((face) => face.known !== false).map(({ name }) => name))];
  const strangers = faces.filter((face) => face.known === false).length;
  if (known.length === 0) return `${strangers} unknown faces`;
  const listed = known.slice(0, MOST_LISTED);
  const more = known.length - listed.length;
  const rest = [
    ...(more > 0 ? [count(more, 'more', 'more')] : []),
    ...(strangers > 0 ? [`${strangers} unknown`] : []),
  ];
  const parts = [...listed, ...rest];
  const last = parts.pop();
  return parts.length === 0 ? String(last) : `${parts.join(', ')} and ${last}`;
}

const instances = new Map<string, string>();

export function learnNames(state: LiveState): void {
  for (const { id, name } of state.instances) instances.set(id, name);
}

/** `instance 3`, as its tile says; the id of an instance that was never seen. */
export function instanceName(id: string): string {
  const number = /\d+$/.exec(instances.get(id) ?? '')?.[0];
  return number === undefined ? id : `instance ${number}`;
}
