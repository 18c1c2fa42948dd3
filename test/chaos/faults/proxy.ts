/**
 * Stands in front of the cloud's endpoint and does to calls what networks and busy services do. Reports
 * which requests SQS took. Knows nothing of the services behind or before it.
 */
import { once } from 'node:events';
import {
  Agent,
  createServer,
  request as forward,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { routeOf } from '../../../local/route.ts';
import { alterSend, shuffleReceived } from './deliveries.ts';
import type { CallFault, Chance, CloudService } from './faults.ts';
import { refusal } from './refusal.ts';

const LOOPBACK = '127.0.0.1';
/** Number of pieces of a slow body. */
const PIECES = 4;
const SLOW_MS = 2500;

export interface CallRule {
  readonly service: CloudService;
  readonly fault: CallFault;
  readonly share: number;
  /** Other calls of the service are left alone. */
  readonly only?: (call: Call) => boolean;
}

export interface Call {
  readonly service: CloudService | undefined;
  readonly method: string;
  /** `SendMessageBatch`; empty for S3 and EC2. */
  readonly action: string;
  readonly path: string;
  /** Of the Host header: S3 may have the bucket there. */
  readonly host: string;
  /** Of S3: written only if the object is as it was, or is not there. */
  readonly isConditionalWrite: boolean;
  readonly body: Buffer;
}

export interface FaultProxy {
  readonly url: string;
  /** Calls that were hit. */
  readonly hits: number;
  add(rule: CallRule): void;
  remove(rule: CallRule): void;
  close(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export async function startFaultProxy(options: {
  /** Of the cloud; it may come and go. */
  readonly port: number;
  readonly chance: Chance;
  /** Called after each call that was carried out, whether its client hears of it or not. */
  readonly onDone: (call: Call, answer: { status: number; body: Buffer }) => void;
}): Promise<FaultProxy> {
  const { port, chance, onDone } = options;
  const agent = new Agent({ keepAlive: true, maxSockets: 1024 });
  const rules = new Set<CallRule>();
  let hits = 0;

  const faultFor = (call: Call): CallFault | undefined => {
    const { service, action } = call;
    for (const rule of rules) {
      if (rule.service !== service || rule.only?.(call) === false) continue;
      if (chance() >= rule.share) continue;
      const isSend = action.startsWith('SendMessage');
      if (rule.fault === 'duplicate' && !isSend) continue;
      if (rule.fault === 'reorder' && !isSend && action !== 'ReceiveMessage') continue;
      hits += 1;
      return rule.fault;
    }
    return undefined;
  };

  const pass = async (
    incoming: IncomingMessage,
    call: Call,
    body: Buffer,
    signal: AbortSignal,
  ): Promise<Answer> => {
    const outgoing = forward({
      host: LOOPBACK,
      port,
      agent,
      signal,
      method: incoming.method ?? 'GET',
      path: incoming.url ?? '/',
      headers: { ...incoming.headers, 'content-length': body.length, connection: 'keep-alive' },
    });
    outgoing.end(body);
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
    const answer = {
      status: response.statusCode ?? 502,
      headers: response.headers,
      body: await bodyOf(response),
    };
    onDone({ ...call, body }, answer);
    return answer;
  };

  const serve = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const left = new AbortController();
    response.on('close', () => left.abort());
    const body = await bodyOf(incoming);
    const call = callOf(incoming, body);
    const fault = faultFor(call);
    if (fault === 'reset') {
      incoming.socket.resetAndDestroy();
      return;
    }
    if (fault === '500' || fault === '503' || fault === 'throttle') {
      const { status, headers, body: words } = refusal(call.service ?? 's3', fault);
      response.writeHead(status, headers).end(incoming.method === 'HEAD' ? undefined : words);
      return;
    }
    const sent = fault === 'reorder' ? alterSend(call, chance) : body;
    let answer = await pass(incoming, call, sent, left.signal);
    if (fault === 'duplicate') await pass(incoming, call, sent, left.signal);
    if (fault === 'lost-reply') {
      incoming.socket.resetAndDestroy();
      return;
    }
    if (fault === 'reorder')
      answer = { ...answer, body: shuffleReceived(call, answer.body, chance) };
    // Hop by hop, and not ours to repeat.
    const {
      connection: _,
      'transfer-encoding': __,
      'keep-alive': ___,
      ...headers
    } = answer.headers;
    if (incoming.method !== 'HEAD') headers['content-length'] = String(answer.body.length);
    response.writeHead(answer.status, headers);
    if (fault === 'slow') await dribble(response, answer.body, left.signal);
    response.end(answer.body.subarray(fault === 'slow' ? sizeSent(answer.body) : 0));
  };

  const server = createServer((incoming, response) => {
    serve(incoming, response).catch(() => {
      // The cloud is away, or the client has left: a broken connection is what either would see.
      incoming.socket.destroy();
    });
  });
  server.keepAliveTimeout = 75_000;
  server.listen(0, LOOPBACK, 1024);
  await once(server, 'listening');
  return {
    url: `http://${LOOPBACK}:${(server.address() as AddressInfo).port}`,
    get hits() {
      return hits;
    },
    add: (rule) => void rules.add(rule),
    remove: (rule) => void rules.delete(rule),
    async close() {
      server.close();
      server.closeAllConnections();
      agent.destroy();
      await once(server, 'close');
    },
  };
}

function callOf(incoming: IncomingMessage, body: Buffer): Call {
  const { method = 'GET', url = '/', headers } = incoming;
  const route = routeOf({ method, url, headers });
  const service = route.service;
  const action = String(headers['x-amz-target'] ?? '').split('.')[1] ?? '';
  const known = service === 's3' || service === 'sqs' || service === 'ec2' ? service : undefined;
  const isConditional = headers['if-match'] !== undefined || headers['if-none-match'] !== undefined;
  return {
    service: known,
    method,
    action,
    path: url,
    host: headers.host ?? '',
    isConditionalWrite: method === 'PUT' && isConditional,
    body,
  };
}

async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** All but the last piece, with pauses. */
async function dribble(response: ServerResponse, body: Buffer, signal: AbortSignal): Promise<void> {
  const size = Math.floor(body.length / PIECES);
  for (let piece = 0; piece < PIECES - 1; piece++) {
    response.write(body.subarray(piece * size, (piece + 1) * size));
    await delay(SLOW_MS / PIECES, undefined, { signal });
  }
}

function sizeSent(body: Buffer): number {
  return Math.floor(body.length / PIECES) * (PIECES - 1);
}
