/** Puts the actions of this room before fauxqs's own, and SQS's error codes on every answer. */
import type { buildApp } from 'fauxqs';
import { messageOf } from '../../runtime/errors.ts';
import { actions } from './actions.ts';
import { queryError, SqsError } from './errors.ts';
import { handleOf, isWritable } from './messages.ts';
import { nameOf, type SqsStore } from './queues.ts';
import type { Body, Failure } from './request.ts';

type App = ReturnType<typeof buildApp>;

const TARGET = 'AmazonSQS.';
const JSON_TYPE = 'application/x-amz-json-1.0';
const ACCOUNT = '000000000000';

/** @param refusedCharacter fauxqs's own check of message bodies, which stops at U+FFFF */
export function layOverSqs(app: App, store: SqsStore, refusedCharacter: RegExp): void {
  Object.assign(refusedCharacter, { test: (text: string) => !isWritable(text) });
  const failures = new WeakMap<object, Failure[]>();
  const purges = new WeakMap<object, number>();

  app.addHook('preHandler', (request, reply, done) => {
    const action = actionOf(request.headers);
    if (action === undefined) return done();
    const failed: Failure[] = [];
    try {
      const handler = Object.hasOwn(actions, action) ? actions[action] : undefined;
      const answer = handler?.(bodyOf(request.body), {
        store,
        urlOf: (name) => `http://${request.headers.host ?? 'localhost'}/${ACCOUNT}/${name}`,
        fail: (failure) => void failed.push(failure),
        purges,
        now: performance.now(),
      });
      if (answer !== undefined) {
        reply.header('content-type', JSON_TYPE).send(JSON.stringify(answer));
        return;
      }
      if (failed.length > 0) failures.set(request, failed);
      done();
    } catch (error) {
      if (!(error instanceof SqsError)) return done(error as Error);
      reply
        .status(400)
        .headers({ 'content-type': JSON_TYPE, 'x-amzn-query-error': queryError(error.sqsCode) })
        .send(errorText(error.sqsCode, error.message));
    }
  });

  app.addHook('onSend', (request, reply, payload, done) => {
    const legacy = reply.getHeader('x-amzn-query-error');
    if (typeof legacy === 'string') {
      const [code = '', fault] = legacy.split(';');
      reply.header('x-amzn-query-error', queryError(code, fault));
    }
    if (typeof payload !== 'string') return done();
    if (actionOf(request.headers) === 'ReceiveMessage' && reply.statusCode === 200) {
      return done(null, received(payload, bodyOf(request.body)));
    }
    const failed = failures.get(request);
    if (failed === undefined) return done();
    const answer = JSON.parse(payload) as { Failed?: Failure[] };
    done(null, JSON.stringify({ ...answer, Failed: [...failed, ...(answer.Failed ?? [])] }));
  });

  // A body that cannot be read, or a fault of this program.
  app.setErrorHandler((error, request, reply) => {
    // JSON that cannot be parsed comes as it is thrown.
    const status =
      error instanceof SyntaxError ? 400 : ((error as { statusCode?: number }).statusCode ?? 500);
    if (actionOf(request.headers) === undefined) return reply.status(status).send(error);
    const code = status < 500 ? 'SerializationException' : 'InternalFailure';
    return reply
      .status(status)
      .header('content-type', JSON_TYPE)
      .send(errorText(code, messageOf(error)));
  });
}

interface Received {
  ReceiptHandle: string;
  MessageAttributes?: unknown;
  MD5OfMessageAttributes?: unknown;
}

/** Messages as SQS gives them out: with handles of their queue, and no attribute that was not asked for. */
function received(payload: string, { QueueUrl, MessageAttributeNames = [] }: Body): string {
  const { Messages } = JSON.parse(payload) as { Messages?: Received[] };
  if (Messages === undefined) return payload;
  const wantsNone = Array.isArray(MessageAttributeNames) && MessageAttributeNames.length === 0;
  for (const message of Messages) {
    message.ReceiptHandle = handleOf(message.ReceiptHandle, nameOf(String(QueueUrl)));
    if (!wantsNone) continue;
    delete message.MessageAttributes;
    delete message.MD5OfMessageAttributes;
  }
  return JSON.stringify({ Messages });
}

function actionOf(headers: Readonly<Record<string, unknown>>): string | undefined {
  const target = headers['x-amz-target'];
  return typeof target === 'string' && target.startsWith(TARGET)
    ? target.slice(TARGET.length)
    : undefined;
}

function bodyOf(body: unknown): Body {
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body as Body;
  throw new SqsError('SerializationException', 'The request body must be a JSON object.');
}

function errorText(code: string, message: string): string {
  return JSON.stringify({ __type: `com.amazonaws.sqs#${code}`, message });
}
