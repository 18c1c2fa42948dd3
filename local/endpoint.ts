/**
 * The one HTTP endpoint of the embedded cloud, on loopback only: finds the service a request is for
 * and hands it over in this process. Knows nothing about what the services do.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type BrowserGuard, browserGuard } from '../runtime/browser-guard.ts';
import { errorClass, messageOf } from '../runtime/errors.ts';
import type { Logger } from '../runtime/log.ts';
import type { Ec2Answer } from './ec2/answer.ts';
import { Ec2Error } from './ec2/errors.ts';
import { errorXml } from './ec2/xml.ts';
import type { QueuesAndObjects } from './queues-and-objects.ts';
import { byVersion, isToolRequest, type Route, routeOf } from './route.ts';
import type { ParameterStore } from './ssm.ts';

/** A Query-protocol body: user data is 16 KB at most. */
const MOST_FORM_BYTES = 1024 * 1024;
/** Longer than clients keep idle connections, so that none sends into one that is closing. */
const KEEP_ALIVE_MS = 75_000;
export const LOOPBACK = '127.0.0.1';

/** The embedded cloud cannot start. */
export class LocalCloudError extends errorClass('local-cloud') {}

export interface Services {
  readonly queuesAndObjects: QueuesAndObjects;
  ec2(form: string): Ec2Answer;
  readonly parameters: ParameterStore;
}

export interface Endpoint {
  /** e.g. `http://127.0.0.1:4566` */
  readonly url: string;
  /** Starts to answer; requests that came before are answered then. */
  serve(services: Services): void;
  /** Takes no new request, answers those under way (long polls at once), closes. */
  close(): Promise<void>;
}

/**
 * Takes the port.
 * @param port 0 takes a free one
 * @param allowedHosts ALLOWED_HOSTS
 * @throws {LocalCloudError} when the port is in use
 */
export async function openEndpoint(
  port: number,
  log: Logger,
  allowedHosts?: string,
): Promise<Endpoint> {
  const guard = browserGuard({ allowedHosts });
  const ready = Promise.withResolvers<Services>();
  let services: Services | undefined;
  const open = (): Server => {
    const server = createServer((request, response) => {
      if (isRefused(guard, request, response)) return;
      if (services) answer(services, request, response, log);
      else void ready.promise.then((now) => answer(now, request, response, log));
    });
    server.keepAliveTimeout = KEEP_ALIVE_MS;
    return server;
  };
  const server = open();
  await listen(server, port);
  const { port: taken } = server.address() as AddressInfo;
  // Where `localhost` is ::1 only. A machine without IPv6 does without it.
  const second = open();
  const servers = (await isListening(second, taken)) ? [server, second] : [server];
  return {
    url: `http://${LOOPBACK}:${taken}`,
    serve(given) {
      services = given;
      ready.resolve(given);
    },
    async close() {
      const closed = Promise.all(servers.map((one) => once(one, 'close')));
      for (const one of servers) {
        one.close();
        if (services === undefined) one.closeAllConnections();
        else one.closeIdleConnections();
      }
      services?.queuesAndObjects.endPolls();
      // A request may have been on its way and may be a new poll.
      const again = setInterval(() => {
        services?.queuesAndObjects.endPolls();
        for (const one of servers) one.closeIdleConnections();
      }, 50);
      await closed;
      clearInterval(again);
    },
  };
}

async function isListening(server: Server, port: number): Promise<boolean> {
  server.listen({ port, host: '::1', ipv6Only: true });
  return once(server, 'listening').then(
    () => true,
    () => false,
  );
}

async function listen(server: Server, port: number): Promise<void> {
  server.listen(port, LOOPBACK);
  try {
    await once(server, 'listening');
  } catch (cause) {
    const inUse = (cause as NodeJS.ErrnoException).code === 'EADDRINUSE';
    throw new LocalCloudError(
      inUse
        ? `Port ${port} is in use, perhaps by another local cloud. Stop it, or set LOCAL_CLOUD_PORT to a free port (0 takes any).`
        : `The local cloud cannot listen on port ${port}: ${messageOf(cause)}. Set LOCAL_CLOUD_PORT to another one.`,
      { cause },
    );
  }
}

function answer(
  services: Services,
  request: IncomingMessage,
  response: ServerResponse,
  log: Logger,
): void {
  const route = routeOf({
    method: request.method ?? 'GET',
    url: request.url ?? '/',
    headers: request.headers,
  });
  if (route.service === 's3') {
    void services.queuesAndObjects.answerS3(request, response);
    return;
  }
  if (route.service === 'sqs' && isJson(request)) {
    services.queuesAndObjects.answer(request, response);
    return;
  }
  answerForm(services, route, request, response).catch((err: unknown) => {
    log.error({ err, url: request.url }, 'Request failed');
    if (!response.headersSent) response.writeHead(500);
    response.end();
  });
}

/** Answers what a web page sent, in the words of the service that it meant. */
function isRefused(
  guard: BrowserGuard,
  request: IncomingMessage,
  response: ServerResponse,
): boolean {
  // An SDK's request is taken under any name of this machine, such as a Kubernetes service's.
  const { headers } = request;
  const reason = guard(isToolRequest(headers) ? { ...headers, host: undefined } : headers);
  if (reason === undefined) return false;
  request.resume();
  if (isJson(request)) sendJsonError(response, 'AccessDeniedException', reason, 403);
  else sendXml(response, { status: 403, body: xml(new Ec2Error('AccessDenied', reason)) });
  return true;
}

async function answerForm(
  services: Services,
  route: Route,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = await readBody(request);
  if (body === undefined) {
    const tooLarge = new Ec2Error('RequestEntityTooLarge', 'The request is too large.');
    sendXml(response.setHeader('connection', 'close'), { status: 413, body: xml(tooLarge) });
    return;
  }
  const form = request.method === 'POST' ? body : (request.url?.split('?', 2)[1] ?? '');
  const target = route.service === 'form' ? byVersion(new URLSearchParams(form)) : route;
  switch (target.service) {
    case 'ec2':
      sendXml(response, services.ec2(form));
      return;
    case 'ssm': {
      const { status, body: text } = services.parameters.answer(
        String(request.headers['x-amz-target']),
        body,
      );
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' });
      response.end(text);
      return;
    }
    case 'sts':
      await services.queuesAndObjects.answerRead(request, body, response);
      return;
    case 'sqs':
      sendXml(
        response,
        errorAnswer('InvalidAction', 'This endpoint supports only the JSON protocol of SQS.'),
      );
      return;
    default: {
      const name = target.service === 'unknown' ? target.name : target.service;
      const message = `The local cloud has SQS, S3, EC2, STS and one call of SSM, not the service ${name}.`;
      if (isJson(request)) sendJsonError(response, 'UnknownService', message);
      else sendXml(response, errorAnswer('UnknownService', message));
    }
  }
}

function isJson(request: IncomingMessage): boolean {
  return request.headers['x-amz-target'] !== undefined;
}

/** The body as text; undefined when it is larger than any form here may be. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MOST_FORM_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function errorAnswer(code: string, message: string): Ec2Answer {
  return { status: 400, body: xml(new Ec2Error(code, message)) };
}

function xml(error: Ec2Error): string {
  return errorXml(error, crypto.randomUUID());
}

/** An error as the services with a JSON protocol write it. */
function sendJsonError(
  response: ServerResponse,
  code: string,
  message: string,
  status = 400,
): void {
  response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' });
  response.end(JSON.stringify({ __type: code, message }));
}

function sendXml(response: ServerResponse, { status, body, lost = false }: Ec2Answer): void {
  if (lost) {
    response.destroy();
    return;
  }
  response.writeHead(status, { 'content-type': 'text/xml;charset=UTF-8' });
  response.end(body);
}
