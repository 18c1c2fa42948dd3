/** How answers and refusals look on the wire: the contract's one line, or JSON for those who ask for it. */
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { stemOf } from '../cloud/contract/names.ts';
import type { Logger } from '../runtime/log.ts';
import { problemOf } from './api/problems.ts';
import { HttpError, quoted } from './errors.ts';
import type { Recognised } from './recognize/recognition.ts';

export const INTERNAL = new HttpError(
  500,
  'internal',
  'Something went wrong here: if it happens again, tell the operator the X-Request-Id.',
);

const JSON_TYPES = ['application/json', 'application/problem+json'];

/** Plain text unless JSON is asked for by name: scripts that accept anything get the contract's line. */
export function wantsJson(request: Request): boolean {
  return request
    .accepts(['text/plain', ...JSON_TYPES])
    .toString()
    .endsWith('json');
}

/** Under /v1 it is JSON unless text is asked for by name. */
function wantsProblem(request: Request): boolean {
  if (!request.originalUrl.startsWith('/v1/')) return wantsJson(request);
  return request.accepts([...JSON_TYPES, 'text/plain']) !== 'text/plain';
}

/** `<stem>:<name>` as text, nothing else on the line. */
export function sendMatch(
  request: Request,
  response: Response,
  file: string,
  { match, timings, instance }: Recognised,
): void {
  if (wantsJson(request)) {
    response.json({ file, ...match, timings, instance });
  } else {
    response.type('text/plain').send(`${stemOf(file)}:${match.name}`);
  }
}

/** Answers every error with its status and sentence; what nobody foresaw is logged and says nothing. */
export function errorHandler(log: Logger) {
  return (error: unknown, request: Request, response: Response, next: NextFunction): void => {
    const requestId = response.getHeader('X-Request-Id');
    if (request.socket.destroyed) {
      log.info({ request: requestId }, 'the client has left');
      return;
    }
    if (response.headersSent) {
      next(error); // Express cuts the connection: half an answer must not look like a whole one.
      return;
    }
    const known = asHttpError(error);
    if (known === undefined || known.status >= 500) {
      log.error({ err: error, request: requestId }, 'request failed');
    } else {
      log.info({ request: requestId, status: known.status, code: known.code }, 'request refused');
    }
    const told = known ?? INTERNAL;
    const { status, message, retryAfter } = told;
    if (retryAfter !== undefined) response.set('Retry-After', String(retryAfter));
    if (status === 401) response.set('WWW-Authenticate', 'Bearer');
    if (status === 408) endAfter(request, response);
    response.status(status);
    if (wantsProblem(request)) {
      const problem = problemOf(told, requestId?.toString());
      response.type('application/problem+json').send(JSON.stringify(problem));
    } else {
      response.type('text/plain').send(message);
    }
  };
}

/** Whoever is too slow to be read on is cut off once the answer is sent. */
function endAfter(request: Request, response: Response): void {
  response.set('Connection', 'close');
  response.on('finish', () => request.destroy());
}

/** The refusal that this is; undefined for what nobody foresaw. */
export function asHttpError(error: unknown): HttpError | undefined {
  return error instanceof HttpError ? error : clientError(error);
}

/** What Express itself found wrong with a request, e.g. a path that does not decode. */
function clientError(error: unknown): HttpError | undefined {
  const status = error instanceof Error && 'status' in error ? Number(error.status) : 500;
  if (!(status >= 400 && status < 500)) return undefined;
  return new HttpError(status, 'bad-request', 'This request cannot be read.');
}

export const notFound: RequestHandler = (request) => {
  throw new HttpError(
    404,
    'not-found',
    `There is nothing at ${quoted(request.path)}: photos go to POST /.`,
  );
};
