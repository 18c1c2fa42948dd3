/** Stands before a cloud as an IAM policy does: some SQS actions are denied, every other call goes through. */
import { once } from 'node:events';
import { createServer, request as forward } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Denials {
  readonly url: string;
  close(): Promise<void>;
}

export async function startDenials(target: string, denied: readonly string[]): Promise<Denials> {
  const server = createServer((incoming, response) => {
    const { method, url, headers } = incoming;
    const action = String(headers['x-amz-target'] ?? '').split('.')[1] ?? '';
    if (denied.includes(action)) {
      incoming.resume();
      response.writeHead(403, { 'content-type': 'application/x-amz-json-1.0' });
      response.end(
        JSON.stringify({
          __type: 'com.amazon.coral.service#AccessDeniedException',
          message: `User is not authorized to perform: sqs:${action}`,
        }),
      );
      return;
    }
    const passed = forward(new URL(url ?? '/', target), { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    passed.on('error', (error) => response.destroy(error));
    incoming.pipe(passed);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
