/** How answers and refusals look on the wire: the contract's one line, or JSON for those who ask for it. */
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { stemOf } from '../cloud/contract/names.ts';
import type { Logger } from '../runtime/log.ts';
import { problemOf } from './api/problems.ts';
import { expectedError, httpError } from './errors.ts';
import type { Recognised } from './recognize/recognition.ts';

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
    const expected = expectedError(error);
    if (expected === undefined || expected.status >= 500) {
      log.error({ err: error, request: requestId }, 'request failed');
    } else {
      log.info(
        { request: requestId, status: expected.status, code: expected.code },
        'request refused',
      );
    }
    const answer = expected ?? httpError.internal();
    const { status, message, retryAfter } = answer;
    if (retryAfter !== undefined) response.set('Retry-After', String(retryAfter));
    if (status === 401) response.set('WWW-Authenticate', 'Bearer');
    if (status === 408) endAfter(request, response);
    response.status(status);
    if (wantsProblem(request)) {
      const problem = problemOf(answer, requestId?.toString());
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

export const notFound: RequestHandler = (request) => {
  throw httpError.notFound(request.path);
};
