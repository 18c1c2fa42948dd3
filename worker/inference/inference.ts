/**
 * The worker's side of inference: keeps one inference process up and busy. A process that crashes takes
 * only the photo at fault with it; the others wait for the next process. Knows no queues.
 */

import type { Ask, ModelInfo } from '../../cloud/contract/messages.ts';
import { messageOf } from '../../runtime/errors.ts';
import { commandLine } from '../../runtime/installation.ts';
import type { Logger } from '../../runtime/log.ts';
import { InferenceCrash, InferenceError, InferenceStopped, InferenceUnfit } from '../errors.ts';
import { nextBatch } from './batching.ts';
import { type InferenceChild, type SpawnOptions, spawnInference } from './child-process.ts';
import type { Answer, Answers, ChildMessage, Photo } from './protocol.ts';
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
  /** Its share of the time from handing the photos over to having their answers, in ms. */
  readonly computeMs: number;
}

interface Job {
  /** It was being computed when a process ended: computed alone, it shows whether it was the cause. */
  readonly suspect: boolean;
  readonly photo: Photo;
  readonly resolve: (computed: Computed) => void;
  readonly reject: (error: unknown) => void;
}

interface Work {
  readonly number: number;
  readonly jobs: readonly Job[];
  /** When its turn came: another may have been in work before it. */
  since: number;
}

export class Inference {
  /** Rejects, never resolves, with an InferenceUnfit when no process stays up on this machine. */
  readonly unfit: Promise<never>;
  readonly #options: InferenceOptions;
  readonly #unfit = Promise.withResolvers<never>();
  readonly #waiting: Job[] = [];
  /** In order; the process computes the first, and has the others at hand. */
  #inWork: Work[] = [];
  #limit: NodeJS.Timeout | undefined;
  #together = 1;
  #model: ModelInfo | undefined;
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

  /** Of the last process that was ready. */
  get model(): ModelInfo | undefined {
    return this.#model;
  }

  /**
   * Resolves with the backend's name as soon as a process is ready.
   * @throws {InferenceUnfit} when none can be started here
   */
  ready(): Promise<string> {
    return this.#ready.promise;
  }

  /**
   * Computes a photo when its turn comes, together with others that wait where that is faster.
   * @throws {InferenceCrash} when the process ended meanwhile, or took too long and was ended
   * @throws {InferenceError} when the model failed for a reason that is not the photo's
   * @throws {InferenceUnfit | InferenceStopped} when no process will do it any more
   */
  compute(bytes: Uint8Array, ask: Ask = {}): Promise<Computed> {
    return new Promise((resolve, reject) => {
      if (this.#end) {
        reject(this.#end);
        return;
      }
      this.#waiting.push({ suspect: false, photo: { bytes, ask }, resolve, reject });
      this.#next();
    });
  }

  /** Ends the process; photos that are not computed yet are rejected. */
  async stop(): Promise<void> {
    this.#finish(new InferenceStopped());
    await this.#child?.kill('the worker is stopping');
  }

  #start(): void {
    const { log, startLimitMs = START_LIMIT_MS } = this.#options;
    const child = spawnInference(this.#options, {
      message: (message) => this.#receive(message),
      line: (line) => log.debug({ line }, 'Line from the inference process'),
      ended: (how) => this.#ended(how),
    });
    this.#child = child;
    this.#startLimit = setTimeout(
      () => void child.kill(`it was not ready after ${startLimitMs / 1000} s`),
      startLimitMs,
    );
  }

  #next(): void {
    if (!this.#isReady) return;
    for (;;) {
      const inWork = this.#inWork.map(({ jobs }) => jobs);
      const jobs = this.#waiting.splice(0, nextBatch(this.#waiting, inWork, this.#together));
      if (jobs.length === 0) return;
      this.#lastNumber += 1;
      this.#inWork.push({ number: this.#lastNumber, jobs, since: performance.now() });
      if (this.#inWork.length === 1) this.#limitFirst();
      this.#child?.send({ number: this.#lastNumber, photos: jobs.map(({ photo }) => photo) });
    }
  }

  /** Its turn has come. */
  #limitFirst(): void {
    clearTimeout(this.#limit);
    const [first] = this.#inWork;
    if (first === undefined) return;
    first.since = performance.now();
    const { computeLimitMs = COMPUTE_LIMIT_MS } = this.#options;
    const limitMs = computeLimitMs * first.jobs.length;
    const child = this.#child;
    this.#limit = setTimeout(
      () => void child?.kill(`it took longer than ${limitMs / 1000} s`),
      limitMs,
    );
  }

  #receive(message: ChildMessage): void {
    if (message.kind === 'unfit') {
      this.#finish(new InferenceUnfit(message.message));
      void this.#child?.kill(message.message);
    } else if (message.kind === 'ready') {
      clearTimeout(this.#startLimit);
      this.#isReady = true;
      this.#together = message.together;
      this.#model = message.model;
      const { backend, reason } = message;
      this.#options.log.info({ backend, reason }, 'the inference process is ready');
      this.#ready.resolve(message.backend);
      this.#next();
    } else {
      this.#answer(message.number, message.answers);
    }
  }

  #answer(number: number, answers: Answers): void {
    const [work] = this.#inWork;
    if (work?.number !== number || work.jobs.length !== answers.length) {
      void this.#child?.kill('its answer does not match the request');
      return;
    }
    this.#failedStarts = 0;
    this.#inWork.shift();
    this.#limitFirst();
    this.#next();
    const computeMs = (performance.now() - work.since) / work.jobs.length;
    for (const [index, answer] of answers.entries()) {
      const { resolve, reject } = work.jobs[index] as Job;
      if ('failed' in answer) reject(new InferenceError(`The model failed: ${answer.failed}`));
      else resolve({ ...answer, computeMs });
    }
  }

  #ended(how: string): void {
    clearTimeout(this.#startLimit);
    this.#child = undefined;
    if (this.#isReady) this.#ready = unheardResolvers();
    this.#isReady = false;
    const jobs = this.#inWork.flatMap((work) => work.jobs);
    this.#inWork = [];
    clearTimeout(this.#limit);
    if (this.#end instanceof InferenceStopped) {
      for (const { reject } of jobs) reject(this.#end);
    } else if (jobs.length > 1 && this.#end === undefined) {
      this.#waiting.unshift(...jobs.map((job) => ({ ...job, suspect: true })));
    } else {
      const error = `The inference process ended while computing this photo: ${how}.`;
      for (const { reject } of jobs) reject(new InferenceCrash(error));
    }
    if (this.#end) return;
    // A crash at work is that photo's fault, and the queue counts its deliveries.
    this.#failedStarts = jobs.length === 0 ? this.#failedStarts + 1 : 0;
    const delayMs = restartDelay(this.#failedStarts);
    this.#options.log.error({ how, atWork: jobs.length, delayMs }, 'inference ended');
    if (delayMs === undefined) {
      this.#finish(
        new InferenceUnfit(
          `The inference process ended ${this.#failedStarts} times in a row before its first photo, last time: ${how}. Run \`${commandLine('recognize')}\` on a photo to see why.`,
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
      this.#ended(messageOf(error)); // No process or memory available: treated like a crash.
    }
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
