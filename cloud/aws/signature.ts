/**
 * AWS Signature Version 4 for the calls that every photo makes: headers alone, no query. The SDK's signer
 * hashes the credentials at each call, to look up the key of the day; here that key is made once a day.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
import { createHmac, createSecretKey, hash, type KeyObject } from 'node:crypto';

const ALGORITHM = 'AWS4-HMAC-SHA256';

export interface Unsigned {
  readonly method: string;
  /** Percent-encoded, as it is sent. */
  readonly path: string;
  /** Names in lower case, `host` among them. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string | undefined;
}

export interface SigningCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

/** @returns the headers to send, with those of the signature */
export type Sign = (
  request: Unsigned,
  credentials: SigningCredentials,
  now: Date,
) => Record<string, string>;

export function signerFor(service: string, region: string): Sign {
  let known: { readonly secret: string; readonly day: string; readonly key: KeyObject } | undefined;
  const keyOf = (secret: string, day: string): KeyObject => {
    if (known?.secret === secret && known.day === day) return known.key;
    const parts = [day, region, service, 'aws4_request'];
    const start = Buffer.from(`AWS4${secret}`);
    const bytes = parts.reduce(
      (key, part) => createHmac('sha256', key).update(part).digest(),
      start,
    );
    known = { secret, day, key: createSecretKey(bytes) };
    return known.key;
  };
  return ({ method, path, headers, body = '' }, credentials, now) => {
    const { accessKeyId, secretAccessKey, sessionToken } = credentials;
    const time = now.toISOString().replace(/\.\d+|[-:]/g, '');
    const day = time.slice(0, 8);
    const digest = hash('sha256', body);
    const sent: Record<string, string> = {
      ...headers,
      'x-amz-date': time,
      'x-amz-content-sha256': digest,
      ...(sessionToken ? { 'x-amz-security-token': sessionToken } : {}),
    };
    const names = Object.keys(sent).sort();
    const lines = names.map((name) => `${name}:${sent[name]!.trim().replace(/\s+/g, ' ')}\n`);
    const signed = names.join(';');
    // Only S3 signs the path as it is sent; for others it is encoded once more.
    const uri = service === 's3' ? path : encodeURIComponent(path).replaceAll('%2F', '/');
    const canonical = `${method}\n${uri}\n\n${lines.join('')}\n${signed}\n${digest}`;
    const scope = `${day}/${region}/${service}/aws4_request`;
    const text = `${ALGORITHM}\n${time}\n${scope}\n${hash('sha256', canonical)}`;
    const signature = createHmac('sha256', keyOf(secretAccessKey, day)).update(text).digest('hex');
    sent.authorization = `${ALGORITHM} Credential=${accessKeyId}/${scope}, SignedHeaders=${signed}, Signature=${signature}`;
    return sent;
  };
}
