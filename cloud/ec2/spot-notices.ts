/** Spot notices in an instance's metadata: rebalance recommendations and interruptions. */
import { z } from 'zod';
import { MetadataReader } from './metadata.ts';

const actionSchema = z.object({
  action: z.enum(['terminate', 'stop', 'hibernate']),
  time: z.iso.datetime(),
});
const rebalanceSchema = z.object({ noticeTime: z.iso.datetime() });

export interface SpotNotices {
  /** The instance will be interrupted; `at` in ms since 1970. */
  readonly interruption: { readonly action: string; readonly at: number } | undefined;
  /** The instance is likelier than others to be interrupted: when that was told, in ms since 1970. */
  readonly rebalanceAt: number | undefined;
}

/**
 * @returns a reader of the present notices; it rejects when the metadata service cannot be read, or says
 * what is no notice
 */
export function openSpotNotices(endpoint: string): () => Promise<SpotNotices> {
  const metadata = new MetadataReader(endpoint);
  return async () => {
    const action = await metadata.read('meta-data/spot/instance-action');
    const rebalance = await metadata.read('meta-data/events/recommendations/rebalance');
    return {
      interruption: action === undefined ? undefined : interruptionOf(action),
      rebalanceAt:
        rebalance === undefined
          ? undefined
          : Date.parse(rebalanceSchema.parse(JSON.parse(rebalance)).noticeTime),
    };
  };
}

function interruptionOf(text: string): { action: string; at: number } {
  const { action, time } = actionSchema.parse(JSON.parse(text));
  return { action, at: Date.parse(time) };
}
