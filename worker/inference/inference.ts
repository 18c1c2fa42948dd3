/**
 * The worker's side of inference: keeps one inference process up and gives it one photo at a time. A
 * process that ends takes only the photo in work with it; the others wait for the next process. Knows
 * nothing of queues.
 */
import { messageOf } from '../../runtime/errors.ts';
import type { Logger } from '../../runtime/log.ts';
import { InferenceCrash, InferenceError, InferenceStopped, InferenceUnfit } from '../errors.ts';
import { type InferenceChild, type SpawnOptions, spawnInference } from './child-process.ts';
import type { Answer, Word } from './protocol.ts';
import { restartDelay } from './restart.ts';

/** A large photo takes a second or two; what takes this long will not end. */
const COMPUTE_LIMIT_MS = 60_000;
/** Loading takes a second or two on a warm disk, much longer on a fresh volume. */
const START_LIMIT_MS = 180_000;

export interface InferenceOptions extends SpawnOptions {
  readonly log: Logger;
  readonly computeLimitMs?: number;
  readonly startLimitMs?: number;
}

export interface Computed extends Answer {
  /** From handing the photo over to having its answer, in ms. */
  readonly computeMs: number;
}

interface Job {
  readonly bytes: Uint8Array;
  readonly resolve: (computed: Computed) => void;
  readonly reject: (error: unknown) => void;
}

interface JobInWork extends Job {
  readonly number: number;
  readonly since: number;
  readonly limit: NodeJS.Timeout;
}

export class Inference {
  /** Rejects, never resolves, with an InferenceUnfit when no process stays up on this machine. */
  readonly unfit: Promise<never>;
  readonly #options: InferenceOptions;
  readonly #unfit = Promise.withResolvers<never>();
  readonly #waiting: Job[] = [];
  #inWork: JobInWork | undefined;
  #child: InferenceChild | undefined;
  #ready = unheardResolvers();
  #isReady = false;
  #startLimit: NodeJS.Timeout | undefined;
  #restart: NodeJS.Timeout | undefined;
  #failedStarts = 0;
  #lastNumber = 0;
  #end: InferenceUnfit | InferenceStopped | undefined;

  /** Starts the process at once. */
  constructor(options: InferenceOptions) {
    this.#options = options;
    this.unfit = this.#unfit.promise;
    this.unfit.catch(() => {}); // Nobody may be listening.
    this.#tryStart();
  }

  /** Whether a process with a loaded model is up. */
  get isReady(): boolean {
    return this.#isReady;
  }

  /**
   * Resolves with the backend's name as soon as a process is ready.
   * @throws {InferenceUnfit} when none can be started here
   */
  ready(): Promise<string> {
    return this.#ready.promise;
  }

  /**
   * Computes a photo when its turn comes.
   * @throws {InferenceCrash} when the process ended meanwhile, or took too long and was ended
   * @throws {InferenceError} when the model failed for a reason that is not the photo's
   * @throws {InferenceUnfit | InferenceStopped} when no process will do it any more
   */
  compute(bytes: Uint8Array): Promise<Computed> {
    return new Promise((resolve, reject) => {
      if (this.#end) {
        reject(this.#end);
        return;
      }
      this.#waiting.push({ bytes, resolve, reject });
      this.#next();
    });
  }

  /** Ends the process; photos that are not computed yet are rejected. */
  async stop(): Promise<void> {
    this.#finish(new InferenceStopped());
    await this.#child?.kill('the worker is leaving');
  }

  #start(): void {
    const { log, startLimitMs = START_LIMIT_MS } = this.#options;
    const child = spawnInference(this.#options, {
      word: (word) => this.#hear(word),
      line: (line) => log.debug({ line }, 'the inference process says'),
      ended: (how) => this.#ended(how),
    });
    this.#child = child;
    this.#startLimit = setTimeout(
      () => void child.kill(`it was not ready after ${startLimitMs / 1000} s`),
      startLimitMs,
    );
  }

  #next(): void {
    if (!this.#isReady || this.#inWork) return;
    const job = this.#waiting.shift();
    if (job === undefined) return;
    const { computeLimitMs = COMPUTE_LIMIT_MS } = this.#options;
    const child = this.#child;
    this.#lastNumber += 1;
    this.#inWork = {
      ...job,
      number: this.#lastNumber,
      since: performance.now(),
      limit: setTimeout(
        () => void child?.kill(`it took longer than ${computeLimitMs / 1000} s`),
        computeLimitMs,
      ),
    };
    child?.send({ number: this.#lastNumber, bytes: job.bytes });
  }

  #hear(word: Word): void {
    if (word.kind === 'unfit') {
      this.#finish(new InferenceUnfit(word.message));
      void this.#child?.kill(word.message);
    } else if (word.kind === 'ready') {
      clearTimeout(this.#startLimit);
      this.#isReady = true;
      this.#options.log.info({ backend: word.backend }, 'the inference process is ready');
      this.#ready.resolve(word.backend);
      this.#next();
    } else if (word.number === this.#inWork?.number) {
      const { resolve, reject, since } = this.#inWork;
      this.#failedStarts = 0;
      this.#clearWork();
      if (word.kind === 'failed') reject(new InferenceError(`The model failed: ${word.message}`));
      else {
        const { outcome, timings } = word;
        resolve({ outcome, timings, computeMs: performance.now() - since });
      }
      this.#next();
    }
  }

  #ended(how: string): void {
    clearTimeout(this.#startLimit);
    this.#child = undefined;
    if (this.#isReady) this.#ready = unheardResolvers();
    this.#isReady = false;
    const job = this.#inWork;
    this.#clearWork();
    job?.reject(
      this.#end instanceof InferenceStopped
        ? this.#end
        : new InferenceCrash(`The inference process ended at work on this photo: ${how}.`),
    );
    if (this.#end) return;
    // One that dies at work is that photo's doing, and the queue counts its deliveries.
    this.#failedStarts = job === undefined ? this.#failedStarts + 1 : 0;
    const delayMs = restartDelay(this.#failedStarts);
    this.#options.log.error({ how, atWork: job !== undefined, delayMs }, 'inference ended');
    if (delayMs === undefined) {
      this.#finish(
        new InferenceUnfit(
          `The inference process ended ${this.#failedStarts} times in a row without work, last: ${how}. Run \`npm run recognize\` on a photo to see why.`,
        ),
      );
      return;
    }
    this.#restart = setTimeout(() => this.#tryStart(), delayMs);
  }

  #tryStart(): void {
    try {
      this.#start();
    } catch (error) {
      this.#ended(messageOf(error)); // No process or memory to be had: as good as one that died.
    }
  }

  #clearWork(): void {
    clearTimeout(this.#inWork?.limit);
    this.#inWork = undefined;
  }

  #finish(end: InferenceUnfit | InferenceStopped): void {
    if (this.#end) return;
    this.#end = end;
    clearTimeout(this.#restart);
    this.#ready.reject(end);
    if (end instanceof InferenceUnfit) this.#unfit.reject(end);
    for (const { reject } of this.#waiting.splice(0)) reject(end);
  }
}

/** Nobody may be waiting for the promise when it is rejected. */
function unheardResolvers(): PromiseWithResolvers<string> {
  const resolvers = Promise.withResolvers<string>();
  resolvers.promise.catch(() => {});
  return resolvers;
}
