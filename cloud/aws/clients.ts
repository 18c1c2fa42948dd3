/** The AWS clients, configured from the settings. With an endpoint set, they call nothing else. */
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import type { Settings } from '../../runtime/settings.ts';
import { expectOwner, ownerBy } from './s3/bucket-owner.ts';

/** Long polls hold a socket each, so that the SDK's usual 50 would starve uploads. */
const AGENT = { keepAlive: true, maxSockets: 256 };
/** The SDK's own calls may hang for ever: a request in a worker's hands would then never come back. */
const CONNECT_LIMIT_MS = 5000;
/** Without a byte either way, as when a host vanishes; the services' longest poll is 2 s. */
const SILENCE_LIMIT_MS = 5000;

export interface AwsClients {
  readonly sqs: SQSClient;
  readonly s3: S3Client;
  destroy(): void;
}

export type ClientSettings = Pick<Settings, 'AWS_REGION' | 'AWS_ENDPOINT_URL'> &
  Partial<Pick<Settings, 'ACCOUNT_ID'>>;

export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** @param credentials unset means where the AWS tools usually look for them */
export function createAwsClients(
  settings: ClientSettings,
  credentials?: AwsCredentials,
): AwsClients {
  const shared = () => sharedByClients(settings, credentials);
  const isAws = settings.AWS_ENDPOINT_URL === undefined;
  const sqs = new SQSClient({ ...shared(), useQueueUrlAsEndpoint: isAws });
  const s3 = new S3Client({
    ...shared(),
    forcePathStyle: !isAws,
    // TLS guards the way, and a photo is judged by the digest in its message.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
  expectOwner(
    s3,
    ownerBy(settings, () => new SQSClient(shared())),
  );
  return {
    sqs,
    s3,
    destroy() {
      sqs.destroy();
      s3.destroy();
    },
  };
}

/**
 * What every client of the SDK is made with.
 * @param silenceMs a call that hears nothing for so long is made again, on another connection
 */
export function sharedByClients(
  settings: ClientSettings,
  credentials?: AwsCredentials,
  silenceMs = SILENCE_LIMIT_MS,
) {
  const endpoint = settings.AWS_ENDPOINT_URL;
  // The embedded cloud checks no signature; without these the SDK would look for credentials
  // at the instance metadata address, which is not on this machine.
  const signing =
    endpoint !== undefined && isLoopback(endpoint)
      ? { accessKeyId: 'local', secretAccessKey: 'local' }
      : credentials;
  return {
    region: settings.AWS_REGION,
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(signing === undefined ? {} : { credentials: signing }),
    requestHandler: {
      connectionTimeout: CONNECT_LIMIT_MS,
      socketTimeout: silenceMs,
      httpAgent: leavingSilentHosts(new HttpAgent(AGENT)),
      httpsAgent: leavingSilentHosts(new HttpsAgent(AGENT)),
    },
  };
}

/** When one connection has gone silent, the idle ones have too: none of them is used again. */
function leavingSilentHosts<A extends HttpAgent>(agent: A): A {
  const connect = agent.createConnection.bind(agent);
  agent.createConnection = (options, callback) => {
    const socket = connect(options, callback);
    socket?.on('timeout', () => {
      for (const idle of Object.values(agent.freeSockets).flat()) idle?.destroy();
    });
    return socket;
  };
  return agent;
}

/** Whether an endpoint is on this machine. */
export function isLoopback(endpoint: string): boolean {
  const { hostname } = new URL(endpoint);
  return hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(hostname);
}
