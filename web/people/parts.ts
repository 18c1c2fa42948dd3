/** What the routes about people share. */
import type { Request, Response } from 'express';
import type { Access } from '../access.ts';
import type { Exchange } from '../exchange.ts';
import type { EnrolParts } from './enrol/enrol.ts';
import { peopleError } from './errors.ts';
import type { Forget } from './forget/forget.ts';
import type { TakeForm } from './request/photo-form.ts';
import type { WorkRequest } from './work/work.ts';

export interface PeopleRoutes extends EnrolParts {
  readonly access: Access;
  /** Begins a request without photos: checks its key and counts it until its end. */
  readonly enter: (request: Request, response: Response) => Exchange;
  /** The same for a request that needs a worker: also checks the limits and the forecast. */
  readonly open: (request: Request, response: Response) => Promise<Exchange>;
  readonly takeForm: TakeForm;
  readonly forget: Forget;
}

/** The request as its worker and its trace know it. */
export async function workRequest({ settleId, span, left }: Exchange): Promise<WorkRequest> {
  return { id: await settleId(), span, left };
}

/** @throws {HttpError} 400 for one that is no key */
export function idempotencyKey(request: Request): string | undefined {
  const key = request.get('Idempotency-Key');
  if (key !== undefined && !/^[\x20-\x7e]{1,255}$/.test(key)) throw peopleError.badKey();
  return key;
}
