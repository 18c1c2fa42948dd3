/** What instances cost. Pure. */

/**
 * EC2 bills Linux instances by the second, at least a minute each ("Announcing Amazon EC2 per second
 * billing", AWS, 2 October 2017). Billed here from the launch, though EC2 begins a little later, when the
 * instance is `running`: the same for every policy, and on the safe side.
 */
export const LEAST_BILLED_SECONDS = 60;

/** On demand, t3.small in us-east-1 at the time of writing; `--price` sets another. */
export const DEFAULT_DOLLARS_PER_HOUR = 0.0208;

/** @param seconds launch to end */
export function billedSeconds(seconds: number): number {
  return Math.max(LEAST_BILLED_SECONDS, Math.ceil(seconds - 1e-6));
}
