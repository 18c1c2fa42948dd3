/** The state of the running services, read over HTTP. Knows no terminal. */
import type { z } from 'zod';
import { scalerStatusSchema } from '../../cloud/contract/scaler-status.ts';

/** Of the scaler's status, what is shown. */
const scalerSchema = scalerStatusSchema.pick({ now: true, decisions: true });
export type ScalerLook = z.output<typeof scalerSchema>;

export interface Look {
  /** Missing while the scaler does not answer. */
  readonly scaler?: ScalerLook | undefined;
  /** Photos that were recognised and answered, since the look before; missing at the first, and where only an admin may read /metrics. */
  readonly photosPerSecond?: number | undefined;
}

const LIMIT_MS = 2000;
const ANSWERED = /^elastic_face_photos_answered_total\{outcome="match"\} (\d+)/m;

/** @returns a function that looks once; it never throws */
export function openLooks(urls: { webUrl: string; scalerUrl: string }): () => Promise<Look> {
  let before: { photos: number; at: number } | undefined;
  return async () => {
    const [scaler, metrics] = await Promise.all([
      textOf(urls.scalerUrl),
      textOf(`${urls.webUrl}/metrics`),
    ]);
    const last = before;
    before =
      metrics === undefined
        ? undefined
        : { photos: Number(ANSWERED.exec(metrics)?.[1] ?? 0), at: performance.now() };
    return {
      scaler: scaler === undefined ? undefined : statusIn(scaler),
      photosPerSecond:
        last && before && ((before.photos - last.photos) * 1000) / (before.at - last.at),
    };
  };
}

/** Undefined when there was no good answer in time. */
async function textOf(url: string): Promise<string | undefined> {
  try {
    const response = await fetch(url, {
      headers: { accept: 'application/json, text/plain' },
      signal: AbortSignal.timeout(LIMIT_MS),
    });
    return response.ok ? await response.text() : undefined;
  } catch {
    return undefined;
  }
}

function statusIn(text: string): ScalerLook | undefined {
  try {
    return scalerSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
