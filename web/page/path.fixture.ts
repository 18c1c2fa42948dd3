/** A proxy that serves a whole service under a path, as nginx does with `location /faces/`. */
import { once } from 'node:events';
import { createServer, request as forward } from 'node:http';
import type { AddressInfo } from 'node:net';

const PREFIX = '/faces';

export interface Proxy {
  readonly url: string;
  stop(): Promise<void>;
}

export async function behindPath(service: string): Promise<Proxy> {
  const proxy = createServer((request, response) => {
    const { method, headers, url = '' } = request;
    if (!url.startsWith(`${PREFIX}/`)) {
      response.writeHead(404).end();
      return;
    }
    const onward = forward(new URL(url.slice(PREFIX.length), service), { method, headers });
    onward.on('response', (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    response.on('close', () => onward.destroy());
    request.pipe(onward);
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const { port } = proxy.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}${PREFIX}/`,
    async stop() {
      proxy.closeAllConnections();
      proxy.close();
      await once(proxy, 'close');
    },
  };
}
