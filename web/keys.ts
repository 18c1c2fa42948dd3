/**
 * API keys: made here, known to the service only by their SHA-256, compared in constant time. A key is
 * 256 random bits, so that a fast hash is as good as a slow one. Knows nothing of HTTP but one header.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** Tells a leaked key from other random text; secret scanners look for such marks. */
const PREFIX = 'ef_';

export interface KeyEntry {
  readonly name: string;
  /** SHA-256 of the key, 32 bytes. */
  readonly hash: Buffer;
}

/** A new key; it is shown once and kept nowhere. */
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
 * Whose key an Authorization header carries; every entry is compared, whichever fits.
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
