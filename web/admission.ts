/**
 * How much of this node its clients may use: requests at once, and bytes of uploads in memory. Decides
 * before a body is read. Knows nothing of HTTP.
 */
import { refuse } from './errors.ts';

/** An upload that finds no room waits this long for it; so does one that may then displace a slow one. */
const ROOM_WAIT_MS = 10_000;
const PATIENCE_MS = 2_000;

export interface Room {
  /** Aborted, with a refusal as its reason, when a slow upload has to make room for others. */
  readonly displaced: AbortSignal;
  /** Says that the upload has arrived: it can no longer be called slow. */
  arrived(): void;
  /** Gives the room back; more calls do nothing more. */
  release(): void;
}

interface Holder {
  readonly bytes: number;
  readonly since: number;
  reading: boolean;
  readonly displace: AbortController;
}

interface Waiting {
  readonly bytes: number;
  readonly since: number;
  readonly admit: (room: Room) => void;
  readonly timer: NodeJS.Timeout;
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
    if (this.#requests >= this.#limits.maxRequests) throw refuse.busy();
    this.#requests += 1;
    let inside = true;
    return () => {
      if (inside) this.#requests -= 1;
      inside = false;
    };
  }

  /**
   * Reserves memory for an upload, in order of arrival. One that is larger than all there is comes in
   * alone.
   * @param signal aborted when the client leaves
   * @throws {HttpError} 503 when no room came up in time; the signal's reason when it is aborted
   */
  room(bytes: number, signal: AbortSignal): Promise<Room> {
    return new Promise((resolve, reject) => {
      const leave = (reason: unknown): void => {
        this.#line.delete(waiting);
        clearTimeout(waiting.timer);
        signal.removeEventListener('abort', onAbort);
        reject(reason);
        this.#admit();
      };
      const onAbort = (): void => leave(signal.reason);
      const waiting: Waiting = {
        bytes: Math.min(bytes, this.#limits.uploadBytes),
        since: performance.now(),
        admit(room) {
          clearTimeout(waiting.timer);
          signal.removeEventListener('abort', onAbort);
          resolve(room);
        },
        timer: setTimeout(() => leave(refuse.busy()), this.#limits.roomWaitMs),
      };
      this.#line.add(waiting);
      if (signal.aborted) return onAbort();
      signal.addEventListener('abort', onAbort);
      this.#admit();
    });
  }

  #admit(): void {
    for (const waiting of this.#line) {
      if (this.#bytes + waiting.bytes > this.#limits.uploadBytes) break;
      this.#line.delete(waiting);
      waiting.admit(this.#hold(waiting.bytes));
    }
    if (this.#line.size === 0) {
      clearInterval(this.#watch);
      this.#watch = undefined;
    } else {
      this.#watch ??= setInterval(() => this.#displaceSlowest(), this.#limits.patienceMs / 4);
    }
  }

  #hold(bytes: number): Room {
    const holder: Holder = {
      bytes,
      since: performance.now(),
      reading: true,
      displace: new AbortController(),
    };
    this.#holders.add(holder);
    this.#bytes += bytes;
    return {
      displaced: holder.displace.signal,
      arrived: () => {
        holder.reading = false;
      },
      release: () => {
        if (!this.#holders.delete(holder)) return;
        this.#bytes -= bytes;
        this.#admit();
      },
    };
  }

  /** Few clients that send a byte now and then could hold all room; under need the oldest gives way. */
  #displaceSlowest(): void {
    const longAgo = performance.now() - this.#limits.patienceMs;
    const [first] = this.#line;
    if (first === undefined || first.since > longAgo) return;
    // Held in order of arrival: the first that is still being read is the slowest.
    for (const holder of this.#holders) {
      if (!holder.reading || holder.displace.signal.aborted || holder.since > longAgo) continue;
      holder.displace.abort(refuse.slow());
      return;
    }
  }
}
