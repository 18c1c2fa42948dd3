/** From which distance or odds on the nearest person is known, by request and settings. Pure. */
import type { Ask } from '../../cloud/contract/messages.ts';
import type { RecognizeOptions } from '../../model/index.ts';

export type KnownRule = Pick<RecognizeOptions, 'knownWithin' | 'knownOdds'>;

export interface KnownSettings {
  /** KNOWN_DISTANCE */
  readonly distance: number | undefined;
  /** KNOWN_ODDS */
  readonly odds: number | undefined;
  /** Of the model's encoder. */
  readonly encoderDistance: number;
}

/** Of a gallery that people were added to over HTTP. */
export const DEFAULT_KNOWN_ODDS = 1000;

/**
 * The request's own odds, else the settings. With neither, a gallery as it was converted keeps the distance
 * of its encoder: the photos of the course's gallery are so small that no distance has odds of 1000 there.
 * @param gallery version of the gallery that is searched
 */
export function knownRule(
  { odds: asked }: Ask,
  { distance, odds, encoderDistance }: KnownSettings,
  gallery: number,
): KnownRule {
  if (asked !== undefined) return { knownOdds: asked };
  if (distance !== undefined) return { knownWithin: distance };
  if (odds !== undefined) return { knownOdds: odds };
  return gallery === 0 ? { knownWithin: encoderDistance } : { knownOdds: DEFAULT_KNOWN_ODDS };
}

/** The same of one person or photo that a face is compared with: no gallery makes it harder. */
export function sameRule(
  { odds: asked }: Ask,
  { distance, odds }: KnownSettings,
): { readonly within: number } | { readonly odds: number } {
  if (asked === undefined && distance !== undefined) return { within: distance };
  return { odds: asked ?? odds ?? DEFAULT_KNOWN_ODDS };
}
