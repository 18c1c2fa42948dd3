/** Authorization by API key, and rate limits per key. Both are off unless set. */
import type { Request } from 'express';
import type { RateLimit } from '../cloud/redis/rate-limit.ts';
import { httpError } from './errors.ts';
import { type KeyEntry, keyEntries, keyHolder } from './keys.ts';

export interface AccessSettings {
  readonly apiKeys: string | undefined;
  readonly adminKeyHash: string | undefined;
  readonly rateLimit: RateLimit | undefined;
}

export interface Access {
  /**
   * Checks the headers of a request, and counts one photo.
   * @throws {HttpError} 401 without a known key, 429 if its rate limit is reached
   */
  requireClient(request: Request): Promise<void>;
  /**
   * Counts the further photos of a request with several.
   * @throws {HttpError} 429 if the rate limit is reached, 400 if the limit is below their number
   */
  countMore(request: Request, photos: number): Promise<void>;
  /**
   * The name of the key; undefined if no keys are set. Counts nothing.
   * @throws {HttpError} 401 without a known key
   */
  holderOf(request: Request): string | undefined;
  /** @throws {HttpError} 401 without the admin key, if one is set */
  requireAdmin(request: Request): void;
  /** @throws {HttpError} 401 without a known key, if any are set */
  requireViewer(request: Request): void;
  /** Whether this client may see internal details. */
  isAdmin(request: Request): boolean;
}

export function accessBy({ apiKeys, adminKeyHash, rateLimit }: AccessSettings): Access {
  const clients = apiKeys === undefined ? undefined : keyEntries(apiKeys);
  const admins: readonly KeyEntry[] | undefined =
    adminKeyHash === undefined ? undefined : keyEntries(`admin:${adminKeyHash}`);
  const isAdmin = ({ headers }: Request): boolean =>
    admins === undefined || keyHolder(admins, headers.authorization) !== undefined;
  const holderOf = ({ headers }: Request): string | undefined => {
    if (clients === undefined) return undefined;
    const holder = keyHolder(clients, headers.authorization);
    if (holder === undefined) throw httpError.noKey();
    return holder;
  };
  const count = async (request: Request, photos: number): Promise<void> => {
    const holder = holderOf(request);
    if (holder === undefined || photos === 0) return;
    const wait = await rateLimit?.take(holder, photos);
    if (wait !== undefined) throw httpError.tooMany(wait);
  };
  return {
    requireClient: (request) => count(request, 1),
    async countMore(request, photos) {
      const { perMinute = Number.POSITIVE_INFINITY } = rateLimit ?? {};
      if (photos + 1 > perMinute) throw httpError.tooManyForRate(perMinute);
      await count(request, photos);
    },
    holderOf,
    requireAdmin(request) {
      if (!isAdmin(request)) throw httpError.noKey();
    },
    // Every client with a key may see the live view, which names neither photos nor their senders. An
    // admin key alone closes it as well.
    requireViewer({ headers }) {
      if (clients === undefined && admins === undefined) return;
      const viewers = [...(clients ?? []), ...(admins ?? [])];
      if (keyHolder(viewers, headers.authorization) === undefined) throw httpError.noKey();
    },
    isAdmin,
  };
}
