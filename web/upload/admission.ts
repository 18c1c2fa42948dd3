/**
 * Limits the concurrent requests of this node and the memory of its uploads. An upload reserves memory as
 * it arrives, so that many slow uploads need little.
 */
import { httpError } from '../errors.ts';

/** Time an upload waits for memory before it is refused. */
const MEMORY_WAIT_MS = 10_000;
/** Time an upload waits for memory before it may displace a slow upload. */
const DISPLACE_AFTER_MS = 2_000;
/** Reserved before the first byte: about what Node and the form parser buffer. */
const LEAST_BYTES = 64 * 1024;
/**
 * Up to this share of the memory, reservations grow with the bytes that arrive. Above it, an upload gets
 * all that it may still need at once, so that it can finish: this prevents a deadlock.
 */
const FREE_SHARE = 0.5;

export interface Reservation {
  /** Aborted with an HttpError when the upload is displaced by others, or got no memory in time. */
  readonly displaced: AbortSignal;
  /** Resolves when this many more bytes are reserved; never if they do not become free in time. */
  grow(bytes: number): Promise<void>;
  /** The upload is complete, and can no longer be displaced as slow. */
  arrived(): void;
  /** Frees the memory; further calls have no effect. */
  release(): void;
}

interface Holder {
  /** The most bytes that it may need. */
  readonly most: number;
  readonly since: number;
  readonly displace: AbortController;
  /** Bytes reserved, and bytes arrived. */
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
  /** Bytes of memory that all uploads may reserve until they are stored. */
  readonly uploadBytes: number;
  readonly memoryWaitMs?: number;
  readonly displaceAfterMs?: number;
}

export class Admission {
  readonly #limits: Required<AdmissionLimits>;
  readonly #holders = new Set<Holder>();
  readonly #queue = new Set<Waiting>();
  #requests = 0;
  #bytes = 0;
  #watch: NodeJS.Timeout | undefined;

  constructor(limits: AdmissionLimits) {
    this.#limits = { memoryWaitMs: MEMORY_WAIT_MS, displaceAfterMs: DISPLACE_AFTER_MS, ...limits };
  }

  /** Requests in progress. */
  get requests(): number {
    return this.#requests;
  }

  /** Bytes that uploads have reserved. */
  get uploadBytes(): number {
    return this.#bytes;
  }

  /**
   * Counts one request until the returned function is called.
   * @throws {HttpError} 503 if the limit is reached
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
   * Reserves memory for an upload: in order of arrival, but a small upload need not wait for a large one.
   * @param most bytes that it may need; an upload larger than the whole memory is admitted alone
   * @param signal aborted when the client disconnects
   * @throws {HttpError} 503 if no memory became free in time; the signal's reason once it is aborted
   */
  async reserve(most: number, signal: AbortSignal): Promise<Reservation> {
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
        timer: setTimeout(() => holder.displace.abort(httpError.busy()), this.#limits.memoryWaitMs),
      };
      this.#queue.add(waiting);
      this.#admit();
    });
  }

  #admit(): void {
    for (const waiting of this.#queue) {
      const { holder, bytes } = waiting;
      const granted = this.#grant(holder, bytes);
      if (granted === undefined) continue;
      holder.bytes += granted;
      this.#bytes += granted;
      clearTimeout(waiting.timer);
      this.#queue.delete(waiting);
      waiting.admit();
    }
    if (this.#queue.size === 0) {
      clearInterval(this.#watch);
      this.#watch = undefined;
    } else {
      this.#watch ??= setInterval(() => this.#displaceSlowest(), this.#limits.displaceAfterMs / 4);
    }
  }

  /** @returns bytes to reserve now; undefined if it has to wait */
  #grant(holder: Holder, bytes: number): number | undefined {
    const { uploadBytes } = this.#limits;
    if (this.#bytes + bytes <= FREE_SHARE * uploadBytes) return bytes;
    const remaining = Math.max(bytes, holder.most - holder.bytes);
    const isAlone = this.#bytes === holder.bytes;
    return isAlone || this.#bytes + remaining <= uploadBytes ? remaining : undefined;
  }

  #release(holder: Holder): void {
    if (!this.#holders.delete(holder)) return;
    for (const waiting of this.#queue) {
      if (waiting.holder !== holder) continue;
      clearTimeout(waiting.timer);
      this.#queue.delete(waiting);
    }
    this.#bytes -= holder.bytes;
    this.#admit();
  }

  /** A few very slow clients could hold all memory, so the slowest is displaced when others wait. */
  #displaceSlowest(): void {
    const now = performance.now();
    const before = now - this.#limits.displaceAfterMs;
    const [first] = this.#queue;
    if (first === undefined || first.since > before) return;
    const waiting = new Set([...this.#queue].map(({ holder }) => holder));
    const slow = [...this.#holders]
      .filter((one) => one.reading && one.since <= before && !waiting.has(one))
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
