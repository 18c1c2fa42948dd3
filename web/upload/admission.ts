/**
 * How much of this node its clients may use: requests at once, and bytes of uploads in memory. An upload
 * takes memory as it arrives, so that many slow ones take hardly any. Knows nothing of HTTP.
 */
import { httpError } from '../errors.ts';

/** An upload that finds no room waits this long for it; so does one that may then displace a slow one. */
const ROOM_WAIT_MS = 10_000;
const PATIENCE_MS = 2_000;
/** Taken by an upload before its first byte: about what Node and the form's parser hold of it. */
const LEAST_BYTES = 64 * 1024;
/**
 * Up to this share of the memory uploads grow as they arrive. Beyond it one is given all that it may
 * still need, so that it can end: else all might stand still, each waiting for the memory of the others.
 */
const FREE_SHARE = 0.5;

export interface Room {
  /** Aborted, with a refusal as its reason, when the upload has to make room for others or found none. */
  readonly displaced: AbortSignal;
  /** Resolves when so many more bytes may be kept; never when there is no room in time. */
  grow(bytes: number): Promise<void>;
  /** Says that the upload has arrived: it can no longer be called slow. */
  arrived(): void;
  /** Gives the room back; more calls do nothing more. */
  release(): void;
}

interface Holder {
  /** All that it may need. */
  readonly most: number;
  readonly since: number;
  readonly displace: AbortController;
  /** What it has now, and what of it has arrived. */
  bytes: number;
  used: number;
  reading: boolean;
}

interface Waiting {
  readonly holder: Holder;
  readonly bytes: number;
  readonly since: number;
  readonly timer: NodeJS.Timeout;
  readonly admit: () => void;
}

export interface AdmissionLimits {
  readonly maxRequests: number;
  /** Bytes of memory that uploads may take together until they are stored. */
  readonly uploadBytes: number;
  readonly roomWaitMs?: number;
  readonly patienceMs?: number;
}

export class Admission {
  readonly #limits: Required<AdmissionLimits>;
  readonly #holders = new Set<Holder>();
  readonly #line = new Set<Waiting>();
  #requests = 0;
  #bytes = 0;
  #watch: NodeJS.Timeout | undefined;

  constructor(limits: AdmissionLimits) {
    this.#limits = { roomWaitMs: ROOM_WAIT_MS, patienceMs: PATIENCE_MS, ...limits };
  }

  /** Requests that are here now. */
  get requests(): number {
    return this.#requests;
  }

  /** Bytes of memory that uploads have reserved now. */
  get uploadBytes(): number {
    return this.#bytes;
  }

  /**
   * Counts one request until the returned function is called.
   * @throws {HttpError} 503 when as many as may be are here already
   */
  enter(): () => void {
    if (this.#requests >= this.#limits.maxRequests) throw httpError.busy();
    this.#requests += 1;
    let inside = true;
    return () => {
      if (inside) this.#requests -= 1;
      inside = false;
    };
  }

  /**
   * Room for an upload, in order of arrival as far as each finds enough.
   * @param most bytes that it may take; one that is larger than all there is comes in alone
   * @param signal aborted when the client leaves
   * @throws {HttpError} 503 when no room came up in time; the signal's reason when it is aborted
   */
  async room(most: number, signal: AbortSignal): Promise<Room> {
    const holder: Holder = {
      most: Math.min(most, this.#limits.uploadBytes),
      since: performance.now(),
      displace: new AbortController(),
      bytes: 0,
      used: 0,
      reading: true,
    };
    this.#holders.add(holder);
    const { signal: displaced } = holder.displace;
    try {
      const refused = AbortSignal.any([signal, displaced]);
      await untilAborted(this.#take(holder, Math.min(holder.most, LEAST_BYTES)), refused);
    } catch (error) {
      this.#release(holder);
      throw error;
    }
    return {
      displaced,
      grow: async (bytes) => {
        holder.used += bytes;
        const missing = holder.used - holder.bytes;
        if (missing > 0 && holder.bytes < holder.most) await this.#take(holder, missing);
      },
      arrived: () => {
        holder.reading = false;
      },
      release: () => this.#release(holder),
    };
  }

  #take(holder: Holder, bytes: number): Promise<void> {
    return new Promise((resolve) => {
      const waiting: Waiting = {
        holder,
        bytes,
        since: performance.now(),
        admit: resolve,
        timer: setTimeout(() => holder.displace.abort(httpError.busy()), this.#limits.roomWaitMs),
      };
      this.#line.add(waiting);
      this.#admit();
    });
  }

  #admit(): void {
    for (const waiting of this.#line) {
      const { holder, bytes } = waiting;
      const granted = this.#grant(holder, bytes);
      if (granted === undefined) continue;
      holder.bytes += granted;
      this.#bytes += granted;
      clearTimeout(waiting.timer);
      this.#line.delete(waiting);
      waiting.admit();
    }
    if (this.#line.size === 0) {
      clearInterval(this.#watch);
      this.#watch = undefined;
    } else {
      this.#watch ??= setInterval(() => this.#displaceSlowest(), this.#limits.patienceMs / 4);
    }
  }

  /** @returns bytes that it may take now; undefined when it has to wait */
  #grant(holder: Holder, bytes: number): number | undefined {
    const { uploadBytes } = this.#limits;
    if (this.#bytes + bytes <= FREE_SHARE * uploadBytes) return bytes;
    const rest = Math.max(bytes, holder.most - holder.bytes);
    const isAlone = this.#bytes === holder.bytes;
    return isAlone || this.#bytes + rest <= uploadBytes ? rest : undefined;
  }

  #release(holder: Holder): void {
    if (!this.#holders.delete(holder)) return;
    for (const waiting of this.#line) {
      if (waiting.holder !== holder) continue;
      clearTimeout(waiting.timer);
      this.#line.delete(waiting);
    }
    this.#bytes -= holder.bytes;
    this.#admit();
  }

  /** Few clients that send a byte now and then could hold all room; under need the slowest gives way. */
  #displaceSlowest(): void {
    const now = performance.now();
    const longAgo = now - this.#limits.patienceMs;
    const [first] = this.#line;
    if (first === undefined || first.since > longAgo) return;
    const standing = new Set([...this.#line].map(({ holder }) => holder));
    const slow = [...this.#holders]
      .filter((one) => one.reading && one.since <= longAgo && !standing.has(one))
      .filter(({ bytes, displace }) => bytes > 0 && !displace.signal.aborted)
      .map((holder) => ({ holder, rate: holder.used / (now - holder.since) }))
      .sort((a, b) => a.rate - b.rate);
    slow[0]?.holder.displace.abort(httpError.slow());
  }
}

/** @throws the signal's reason once it is aborted */
export async function untilAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason);
  signal.addEventListener('abort', onAbort);
  try {
    await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
