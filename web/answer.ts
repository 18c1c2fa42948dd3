/** Sends results and errors: as the contract's one line of text, or as JSON if the client asks for it. */
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { answerLine } from '../cloud/contract/names.ts';
import type { Logger } from '../runtime/log.ts';
import { problemOf } from './api/problems.ts';
import { expectedError, httpError } from './errors.ts';
import type { Recognised } from './recognize/recognition.ts';

const JSON_TYPES = ['application/json', 'application/problem+json'];

/** Whether JSON is asked for by name: scripts that accept anything get the contract's line of text. */
export function wantsJson(request: Request): boolean {
  return request
    .accepts(['text/plain', ...JSON_TYPES])
    .toString()
    .endsWith('json');
}

/** Under /v1 errors are JSON unless text is asked for by name. */
function wantsProblem(request: Request): boolean {
  if (!request.originalUrl.startsWith('/v1/')) return wantsJson(request);
  return request.accepts([...JSON_TYPES, 'text/plain']) !== 'text/plain';
}

/**
 * `<stem>:<name>` as text, nothing else on the line.
 * @param unknownName in place of a stranger's nearest person, where it is set
 */
export function sendMatch(
  request: Request,
  response: Response,
  file: string,
  { match, timings, instance }: Recognised,
  unknownName: string | undefined,
): void {
  if (wantsJson(request)) {
    response.json({ file, ...match, timings, instance });
  } else {
    response.type('text/plain').send(answerLine(file, match, unknownName));
  }
}

/** Answers every error with its status and sentence. Unexpected errors are logged, and their details kept back. */
export function errorHandler(log: Logger) {
  return (error: unknown, request: Request, response: Response, next: NextFunction): void => {
    const requestId = response.getHeader('X-Request-Id');
    if (request.socket.destroyed) {
      log.info({ request: requestId }, 'The client disconnected');
      return;
    }
    if (response.headersSent) {
      next(error); // Express closes the connection, so that a partial answer does not look complete.
      return;
    }
    const expected = expectedError(error);
    if (expected === undefined || expected.status >= 500) {
      log.error({ err: error, request: requestId }, 'Request failed');
    } else {
      log.info(
        { request: requestId, status: expected.status, code: expected.code },
        'Request refused',
      );
    }
    const answer = expected ?? httpError.internal();
    const { status, message, retryAfter } = answer;
    if (retryAfter !== undefined) response.set('Retry-After', String(retryAfter));
    if (status === 401) response.set('WWW-Authenticate', 'Bearer');
    if (status === 408) closeAfter(request, response);
    response.status(status);
    if (wantsProblem(request)) {
      const problem = problemOf(answer, requestId?.toString());
      response.type('application/problem+json').send(JSON.stringify(problem));
    } else {
      response.type('text/plain').send(message);
    }
  };
}

/** Closes the connection once the answer is sent: the remaining request is not read. */
function closeAfter(request: Request, response: Response): void {
  response.set('Connection', 'close');
  response.on('finish', () => request.destroy());
}

export const notFound: RequestHandler = (request) => {
  throw httpError.notFound(request.path);
};
