/**
 * One call to AWS that uses only the SDK's credentials and connections. Knows no queue and no bucket.
 */
import { type Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { type Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Readable } from 'node:stream';
import type { S3Client } from '@aws-sdk/client-s3';
import type { SQSClient } from '@aws-sdk/client-sqs';
import { type Sign, signerFor } from './signature.ts';

type Config = S3Client['config'] | SQSClient['config'];

export interface DirectCall {
  readonly method: 'GET' | 'PUT' | 'POST';
  readonly origin: URL;
  /** Escaped. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string | undefined;
}

/** @returns the answer's bytes; undefined for anything but a plain success. It never rejects. */
export type CallDirectly = (call: () => Promise<DirectCall>) => Promise<Buffer | undefined>;

/** @param service as signatures name it */
export function directCaller(config: Config, service: string): CallDirectly {
  const send = signedCall(config, service);
  return async (call) => {
    try {
      const { status, bytes } = await send(await call());
      return status === 200 ? bytes : undefined;
    } catch {
      return undefined; // The caller has another way, which says what is wrong.
    }
  };
}

interface Answer {
  readonly status: number;
  readonly bytes: Buffer;
}

/** Rejects only if there is no answer. */
export type SignedCall = (call: DirectCall) => Promise<Answer>;

/** @param service as signatures name it, perhaps another one than the client's own */
export function signedCall(config: Config, service: string): SignedCall {
  let sign: Sign | undefined;
  return async ({ method, origin, path, headers, body }) => {
    sign ??= signerFor(service, await config.region());
    const signed = sign(
      { method, path, headers: { ...headers, host: origin.host }, body },
      await config.credentials(),
      // The SDK learns on its own way how far this machine's clock is off.
      new Date(Date.now() + config.systemClockOffset),
    );
    return exchange(config, { method, origin, path, headers: signed, body });
  };
}

/**
 * Over the SDK's connections. Its own handler sets five timers a call and wraps the answer: cold, as after a photo
 * was computed, it takes a tenth more.
 */
async function exchange(
  { requestHandler }: Config,
  { method, origin, path, headers, body }: DirectCall,
): Promise<Answer> {
  const { protocol, hostname, port } = origin;
  const isTls = protocol === 'https:';
  const { httpAgent, httpsAgent, socketTimeout } = connectionsOf(requestHandler);
  const agent = isTls ? httpsAgent : httpAgent;
  const portOption = port === '' ? {} : { port: Number(port) };
  if (agent === undefined) {
    const request = { method, protocol, hostname, path, headers, body, query: {}, ...portOption };
    const { response } = await requestHandler.handle(request as never);
    return { status: response.statusCode, bytes: await collected(response.body as Readable) };
  }
  const host = hostname.replace(/^\[|\]$/g, '');
  const options = { method, host, path, headers, agent, timeout: socketTimeout, ...portOption };
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const request = isTls ? httpsRequest(options, resolve) : httpRequest(options, resolve);
    request.on('error', reject);
    request.on('timeout', () => request.destroy(new Error('The connection has gone silent.')));
    request.end(body);
  });
  return { status: response.statusCode ?? 0, bytes: await collected(response) };
}

interface Connections {
  readonly httpAgent?: HttpAgent;
  readonly httpsAgent?: HttpsAgent;
  readonly socketTimeout?: number;
}

/** Empty before the handler's own first call, and for a handler that somebody has put in place of the SDK's. */
function connectionsOf(handler: object & { httpHandlerConfigs?(): Connections }): Connections {
  return handler.httpHandlerConfigs?.() ?? {};
}

/** The address that somebody has set in place of AWS, in the code or where the SDK looks for one. */
export async function customEndpoint(config: Config): Promise<URL | undefined> {
  const set = await config.endpoint?.();
  if (set !== undefined) {
    const { protocol, hostname, port, path } = set;
    return new URL(`${protocol}//${hostname}${port === undefined ? '' : `:${port}`}${path}`);
  }
  const configured = await config.serviceConfiguredEndpoint?.();
  return configured === undefined ? undefined : new URL(configured);
}

/** The address of a service that is named as SQS is, in each region and partition. */
export async function addressLikeSqs({ config }: SQSClient, service: string): Promise<URL> {
  const custom = await customEndpoint(config);
  if (custom !== undefined) return custom;
  const { url } = config.endpointProvider({
    Region: await config.region(),
    UseFIPS: await config.useFipsEndpoint(),
    UseDualStack: await config.useDualstackEndpoint(),
  });
  return new URL(url.href.replace('//sqs', `//${service}`));
}

function collected(body: Readable): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    body.on('data', (chunk: Buffer) => chunks.push(chunk));
    body.on('end', () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)));
    body.on('error', reject);
    body.on('close', () => reject(new Error('The answer ends too early.'))); // After its end, nothing.
  });
}
