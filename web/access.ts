/** Who may post photos and who may read measurements: keys and rates, both off unless set. */
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
   * Decides by the head of a request alone.
   * @throws {HttpError} 401 without a key that is known, 429 when its holder has sent too many
   */
  requireClient(request: Request): Promise<void>;
  /**
   * Counts so many photos more, where one request brings several.
   * @throws {HttpError} 429 when they are too many just now, 400 when they always are
   */
  countMore(request: Request, photos: number): Promise<void>;
  /**
   * Whose key it is; undefined where none are needed. Counts nothing.
   * @throws {HttpError} 401 without a key that is known
   */
  holderOf(request: Request): string | undefined;
  /** @throws {HttpError} 401 without the admin key, when one is set */
  requireAdmin(request: Request): void;
  /** @throws {HttpError} 401 without any of the keys, when some are set */
  requireViewer(request: Request): void;
  /** Whether details of the inside may be told to this client. */
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
    // Whoever may post sees what becomes of it: the live view names neither photos nor their senders. An
    // admin key alone still says that the inside is not for everybody.
    requireViewer({ headers }) {
      if (clients === undefined && admins === undefined) return;
      const viewers = [...(clients ?? []), ...(admins ?? [])];
      if (keyHolder(viewers, headers.authorization) === undefined) throw httpError.noKey();
    },
    isAdmin,
  };
}
