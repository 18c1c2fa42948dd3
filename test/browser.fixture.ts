/** Sends requests as a browser does: fetch itself lets nobody choose Host or Origin. */
import { request as httpRequest, type OutgoingHttpHeaders } from 'node:http';

export interface BrowserRequest {
  readonly method?: string;
  readonly path?: string;
  readonly headers: OutgoingHttpHeaders;
  readonly body?: string;
}

export function send(url: string, { method = 'GET', path = '/', headers, body }: BrowserRequest) {
  return new Promise<{ status: number; text: string }>((resolve, reject) => {
    const sent = httpRequest(new URL(path, url), { method, headers }, async (response) => {
      let text = '';
      for await (const chunk of response) text += chunk;
      resolve({ status: response.statusCode ?? 0, text });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
