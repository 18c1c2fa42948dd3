/** Puts the actions of this room before fauxqs's own, and SQS's error codes on every answer. */
import type { buildApp } from 'fauxqs';
import { messageOf } from '../../runtime/errors.ts';
import { actions, type Body, type Failure } from './actions.ts';
import { queryError, SqsError } from './errors.ts';
import { isWritable } from './messages.ts';
import type { SqsStore } from './queue-set.ts';

type App = ReturnType<typeof buildApp>;

const TARGET = 'AmazonSQS.';
const JSON_TYPE = 'application/x-amz-json-1.0';
const ACCOUNT = '000000000000';

/** @param refusedCharacter fauxqs's own check of message bodies, which stops at U+FFFF */
export function layOverSqs(app: App, store: SqsStore, refusedCharacter: RegExp): void {
  Object.assign(refusedCharacter, { test: (text: string) => !isWritable(text) });
  const failures = new WeakMap<object, Failure[]>();

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
    const failed = failures.get(request);
    if (failed === undefined || typeof payload !== 'string') return done();
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
