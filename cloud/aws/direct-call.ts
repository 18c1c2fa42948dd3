/**
 * One call to AWS that uses only the SDK's credentials and connections. Knows no queue and no bucket.
 */
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

interface Answer {
  readonly response: { readonly statusCode: number; readonly body: AsyncIterable<Buffer> };
}

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

/** Rejects only if there is no answer. */
export type SignedCall = (
  call: DirectCall,
) => Promise<{ readonly status: number; readonly bytes: Buffer }>;

/** @param service as signatures name it, perhaps another one than the client's own */
export function signedCall(config: Config, service: string): SignedCall {
  let sign: Sign | undefined;
  return async ({ method, origin, path, headers, body }) => {
    const { protocol, hostname, port, host } = origin;
    sign ??= signerFor(service, await config.region());
    const signed = sign(
      { method, path, headers: { ...headers, host }, body },
      await config.credentials(),
      // The SDK learns on its own way how far this machine's clock is off.
      new Date(Date.now() + config.systemClockOffset),
    );
    const request = {
      ...{ method, protocol, hostname, path, headers: signed, body, query: {} },
      ...(port === '' ? {} : { port: Number(port) }),
    };
    const { response }: Answer = await config.requestHandler.handle(request as never);
    return { status: response.statusCode, bytes: await collected(response.body) };
  };
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

async function collected(body: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
}
