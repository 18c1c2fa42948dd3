/** An EC2 instance's id and user data, from its metadata service (IMDSv2). */
import { z } from 'zod';
import { hideCredentials } from '../../runtime/credentials.ts';
import { errorClass } from '../../runtime/errors.ts';
import type { Settings } from '../../runtime/settings.ts';

/** The link-local address of the service on every EC2 instance. */
const EC2_METADATA = 'http://169.254.169.254';
const TIMEOUT_MS = 2000;
const TOKEN_SECONDS = 300;

/** The instance metadata service gave no answer where there should be one. */
export class MetadataError extends errorClass('metadata') {}

export interface InstanceIdentity {
  readonly instanceId: string;
  /** NAME=value lines of the user data. */
  readonly userData: Readonly<Record<string, string>>;
}

/**
 * Where this process may ask for metadata: the endpoint that is set, or EC2's own when it talks to AWS
 * itself. With another endpoint for the rest of the cloud there is no metadata service to ask, and in a
 * container there may be one that is not the worker's own.
 */
export function metadataEndpoint(
  settings: Pick<
    Settings,
    'AWS_ENDPOINT_URL' | 'AWS_EC2_METADATA_SERVICE_ENDPOINT' | 'AWS_EC2_METADATA_DISABLED'
  >,
): string | undefined {
  if (settings.AWS_EC2_METADATA_DISABLED === 'true') return undefined;
  if (settings.AWS_EC2_METADATA_SERVICE_ENDPOINT) return settings.AWS_EC2_METADATA_SERVICE_ENDPOINT;
  return settings.AWS_ENDPOINT_URL === undefined ? EC2_METADATA : undefined;
}

/** @throws {MetadataError} when the service cannot be reached or answers with an error */
export async function readIdentity(endpoint: string): Promise<InstanceIdentity> {
  const metadata = new MetadataReader(endpoint);
  try {
    const id = await metadata.read('meta-data/instance-id');
    const userData = await metadata.read('user-data');
    return {
      instanceId: z
        .string()
        .regex(/^i-[0-9a-f]+$/)
        .parse(id),
      userData: parseUserData(userData ?? ''),
    };
  } catch (cause) {
    throw new MetadataError(
      `The instance metadata service at ${hideCredentials(endpoint)} gave no identity: is this an EC2 instance with IMDSv2 on? Elsewhere set AWS_ENDPOINT_URL to a local cloud, or AWS_EC2_METADATA_DISABLED=true.`,
      { cause },
    );
  }
}

/** Reads one instance's metadata, renewing its token in time. */
export class MetadataReader {
  readonly #latest: string;
  #token: { readonly text: string; readonly renewAt: number } | undefined;

  constructor(endpoint: string) {
    this.#latest = `${endpoint.replace(/\/$/, '')}/latest`;
  }

  /**
   * @param path below `latest`, e.g. `meta-data/instance-id`
   * @returns undefined when there is nothing of this name
   * @throws {MetadataError} when the service answers with another error; what `fetch` throws
   */
  async read(path: string): Promise<string | undefined> {
    const headers = { 'X-aws-ec2-metadata-token': await this.#validToken() };
    return text(`${this.#latest}/${path}`, { headers });
  }

  async #validToken(): Promise<string> {
    const now = performance.now();
    if (this.#token === undefined || now >= this.#token.renewAt) {
      const given = await text(`${this.#latest}/api/token`, {
        method: 'PUT',
        headers: { 'X-aws-ec2-metadata-token-ttl-seconds': String(TOKEN_SECONDS) },
      });
      this.#token = { text: given ?? '', renewAt: now + (TOKEN_SECONDS * 1000) / 2 };
    }
    return this.#token.text;
  }
}

/** Reads NAME=value lines; comments, blank lines and anything else are passed over. */
export function parseUserData(userData: string): Record<string, string> {
  const values: Record<string, string> = {};
  for (const line of userData.split(/\r?\n/)) {
    const match = /^([A-Z][A-Z0-9_]*)=(.*)$/.exec(line.trim());
    if (match?.[1] !== undefined && match[2] !== undefined) values[match[1]] = match[2];
  }
  return values;
}

/** The answer's text; undefined for 404, which is how the service says that there is none. */
async function text(url: string, init: RequestInit): Promise<string | undefined> {
  const response = await fetch(url, { ...init, signal: AbortSignal.timeout(TIMEOUT_MS) });
  if (response.status === 404) return undefined;
  if (!response.ok) throw new MetadataError(`${url} answered ${response.status}.`);
  return response.text();
}
