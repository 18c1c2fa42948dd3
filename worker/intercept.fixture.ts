/** Stands between a worker and the cloud, to kill the worker just before or after one of its calls. */
import { once } from 'node:events';
import { createServer, request as forward, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One call to SQS or S3, in a form that a test can match: `PUT /bucket/key`, `DeleteMessageBatch queue`. */
export type Call = string;

export interface Interceptor {
  readonly url: string;
  /** Resolves when the call came and the strike was done. */
  readonly struck: Promise<void>;
  close(): Promise<void>;
}

/** @param strike kills the worker; nothing more reaches the cloud from then on */
export async function startInterceptor(options: {
  target: string;
  call: RegExp;
  when: 'before' | 'after';
  strike: () => Promise<void>;
}): Promise<Interceptor> {
  const struck = Promise.withResolvers<void>();
  let isStruck = false;
  const server = createServer(async (request, response) => {
    const body = await bodyOf(request);
    const isTheCall = !isStruck && options.call.test(nameOf(request, body));
    const strike = async (): Promise<void> => {
      isStruck = true;
      await options.strike();
      struck.resolve();
    };
    if (isTheCall && options.when === 'before') return strike();
    if (isStruck) return;
    const passed = forward(
      new URL(request.url ?? '/', options.target),
      { method: request.method, headers: request.headers },
      async (answer) => {
        const answered = await bodyOf(answer);
        if (isTheCall) return strike();
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        response.end(answered);
      },
    );
    passed.on('error', (error) => response.destroy(error));
    passed.end(body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    struck: struck.promise,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

function nameOf(request: IncomingMessage, body: Buffer): Call {
  const action = request.headers['x-amz-target']?.toString().split('.')[1];
  if (action === undefined) return `${request.method} ${request.url}`;
  return `${action} ${(JSON.parse(body.toString()) as { QueueUrl?: string }).QueueUrl ?? ''}`;
}

async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
