/** The two kinds of message in the request queue: a photo to recognise, and other work that needs the model. */
import { parseJson, parseMessage, type RequestMessage, requestMessageSchema } from './messages.ts';
import { type PeopleWork, peopleWorkSchema, WORK_FILE } from './people-work.ts';

export type QueuedRequest = RequestMessage | PeopleWork;

export function isWork(request: QueuedRequest): request is PeopleWork {
  return 'work' in request;
}

/** The file that its reply names, and under which the pressure set counts it. */
export function fileOf(request: QueuedRequest): string {
  return isWork(request) ? WORK_FILE : request.file;
}

/** @throws {MessageError} when the body is no message of this project's request queue */
export function decodeQueued(body: string): QueuedRequest {
  const value = parseJson(body, 'request');
  const hasWork = typeof value === 'object' && value !== null && 'work' in value;
  return parseMessage<QueuedRequest>(
    hasWork ? peopleWorkSchema : requestMessageSchema,
    value,
    'request',
  );
}
