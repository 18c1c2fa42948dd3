/** One request for recognition: its id, and whether its client is still there. */
import { randomUUID } from 'node:crypto';
import type { Request, Response } from 'express';
import { z } from 'zod';
import type { RequestIds } from '../cloud/redis/request-ids.ts';
import type { Span } from '../runtime/tracing/tracing.ts';
import type { Outcome } from './metrics/photo-counts.ts';

export interface Exchange {
  /** What became of each photo that came in it, added as it is known; told when the client has its answer. */
  readonly outcomes: Outcome[];
  /** Aborted when the client leaves. */
  readonly left: AbortSignal;
  /** By `performance.now`. */
  readonly start: number;
  /** The trace's part that this request is. */
  readonly span: Span;
  /** What it is called until its id is settled; for a request of which nothing is taken in, for good. */
  readonly firstId: string;
  /**
   * The request's id, for good. A client's own uuid is taken where it is free; else a new one, since two
   * photos may never have the same.
   * @param isKept whether its answer will be found by it: nobody may then propose it again
   */
  settleId(isKept?: boolean): Promise<string>;
  /** Of a further photo of the request. */
  newId(isKept: boolean): Promise<string>;
}

const uuid = z.uuid();

/** Tells the client its id at once: a refusal has one too. */
export function openExchange(
  request: Request,
  response: Response,
  ids: RequestIds,
  span: Span,
): Exchange {
  const proposed = uuid.safeParse(request.get('X-Request-Id')?.toLowerCase()).data;
  const left = new AbortController();
  const tell = (id: string): string => {
    response.set('X-Request-Id', id);
    span.set({ 'elastic_face.request': id });
    return id;
  };
  const first = tell(proposed ?? randomUUID());
  response.on('close', () => {
    if (!response.writableFinished) left.abort(new Error('the client has left'));
  });
  const own = async (id: string, isKept: boolean): Promise<string> => {
    // Without Redis no answer is kept, and no id is taken from a client.
    if (isKept) await ids.take(id).catch(() => {});
    return id;
  };
  return {
    outcomes: [],
    firstId: first,
    left: left.signal,
    start: performance.now(),
    span,
    async settleId(isKept = false) {
      if (proposed === undefined) return own(first, isKept);
      // Without Redis nobody knows whether it is free.
      const isFree = await ids.take(proposed).catch(() => false);
      return isFree ? first : own(tell(randomUUID()), isKept);
    },
    newId: (isKept) => own(randomUUID(), isKept),
  };
}
