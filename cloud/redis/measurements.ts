/**
 * What the leading scaler has measured of the load, kept in Redis for the next leader. Its age is
 * measured by Redis's own clock. Knows nothing about how the figures are made or used.
 */
import type { Redis } from 'ioredis';
import { z } from 'zod';

/** After a week without a scaler the guesses of the settings are as good. */
const KEPT_MS = 7 * 24 * 3_600_000;

const figuresSchema = z.object({
  version: z.literal(1),
  arrivals: z.object({ perSecond: z.number().nonnegative(), weight: z.number().min(0).max(1) }),
  service: z.object({ busySeconds: z.number().nonnegative(), finished: z.number().positive() }),
  boot: z.object({ seconds: z.number().nonnegative(), count: z.int().nonnegative() }),
});
export type Figures = Omit<z.output<typeof figuresSchema>, 'version'>;

export interface FiguresReading {
  readonly figures: Figures;
  readonly ageSeconds: number;
}

export interface FiguresStore {
  save(figures: Figures): Promise<void>;
  /** Undefined when there are none, or of another version. */
  read(): Promise<FiguresReading | undefined>;
}

export function openFigures(redis: Redis, keys: string): FiguresStore {
  const key = `${keys}:figures`;
  return {
    async save({ arrivals, service, boot }) {
      const text = JSON.stringify({ version: 1, arrivals, service, boot });
      await redis.set(key, text, 'PX', KEPT_MS);
    },
    async read() {
      const [text, left] = await Promise.all([redis.get(key), redis.pttl(key)]);
      const parsed = figuresSchema.safeParse(parse(text));
      if (!parsed.success || left < 0) return undefined;
      const { version: _, ...figures } = parsed.data;
      return { figures, ageSeconds: (KEPT_MS - left) / 1000 };
    },
  };
}

function parse(text: string | null): unknown {
  try {
    return JSON.parse(text ?? 'null');
  } catch {
    return undefined; // Written by something else: as good as none.
  }
}
