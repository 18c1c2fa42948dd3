/**
 * API keys: generated here, stored as SHA-256 only, compared in constant time. A key has 256 random bits,
 * so a fast hash is as good as a slow one.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** Lets secret scanners recognize a leaked key. */
const PREFIX = 'ef_';

export interface KeyEntry {
  readonly name: string;
  /** SHA-256 of the key, 32 bytes. */
  readonly hash: Buffer;
}

/** A new key, which is not stored anywhere. */
export function makeKey(): string {
  return PREFIX + randomBytes(32).toString('base64url');
}

/** @returns SHA-256 of the key, lower-case hexadecimal, as settings hold it */
export function keyHash(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}

/** @param text entries `name:hash` with commas between them, as API_KEYS has passed the schema */
export function keyEntries(text: string): KeyEntry[] {
  return text.split(',').map((entry) => {
    const [name = '', hash = ''] = entry.split(':');
    return { name, hash: Buffer.from(hash, 'hex') };
  });
}

/**
 * The name of the key in an Authorization header. Compares every entry, so that the time tells nothing.
 * @param authorization `Bearer <key>`
 */
export function keyHolder(
  entries: readonly KeyEntry[],
  authorization: string | undefined,
): string | undefined {
  const key = /^Bearer ([\x21-\x7e]{1,200})$/i.exec(authorization ?? '')?.[1] ?? '';
  const given = createHash('sha256').update(key).digest();
  let holder: string | undefined;
  for (const { name, hash } of entries) if (timingSafeEqual(hash, given)) holder = name;
  return key === '' ? undefined : holder;
}
