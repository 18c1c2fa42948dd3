/** One request about photos: its id, its trace, and whether its client is still connected. */
import { randomUUID } from 'node:crypto';
import type { Request, Response } from 'express';
import { z } from 'zod';
import type { RequestIds } from '../cloud/redis/request-ids.ts';
import type { Span } from '../runtime/tracing/tracing.ts';
import type { Outcome } from './metrics/photo-counts.ts';

export interface Exchange {
  /** The outcome of each photo so far; counted when the client has its answer. */
  readonly outcomes: Outcome[];
  /** Aborted when the client disconnects. */
  readonly left: AbortSignal;
  /** By `performance.now`. */
  readonly start: number;
  /** The request's span in its trace. */
  readonly span: Span;
  /** The id until `settleId`; final if no photo of the request is accepted. */
  readonly firstId: string;
  /**
   * The final id. A UUID sent by the client is used if it is free, otherwise a new one is made, since
   * two photos must not share an id.
   * @param isKept whether the result is stored under the id, which then cannot be used again
   */
  settleId(isKept?: boolean): Promise<string>;
  /** The id of a further photo of the request. */
  newId(isKept: boolean): Promise<string>;
}

const uuid = z.uuid();

/** Sets the X-Request-Id at once, so that error answers have one too. */
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
    if (!response.writableFinished) left.abort(new Error('the client disconnected'));
  });
  const own = async (id: string, isKept: boolean): Promise<string> => {
    // Without Redis no result is stored, and no id of a client is accepted.
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
      // Without Redis it is unknown whether the id is free.
      const isFree = await ids.take(proposed).catch(() => false);
      return isFree ? first : own(tell(randomUUID()), isKept);
    },
    newId: (isKept) => own(randomUUID(), isKept),
  };
}
