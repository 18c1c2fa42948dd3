/**
 * The worker's side of inference: keeps one inference process up and busy. A process that crashes takes
 * only the photo at fault with it; the others wait for the next process. Knows no queues.
 */

import type { Ask, ModelInfo } from '../../cloud/contract/messages.ts';
import { messageOf } from '../../runtime/errors.ts';
import { commandLine } from '../../runtime/installation.ts';
import type { Logger } from '../../runtime/log.ts';
import { InferenceAbsent, InferenceError, InferenceStopped, InferenceUnfit } from '../errors.ts';
import { type InferenceChild, type SpawnOptions, spawnInference } from './child-process.ts';
import { type Done, JobQueue } from './job-queue.ts';
import type {
  Answer,
  AnyAnswer,
  ChildMessage,
  GalleryAnswer,
  GalleryFiles,
  PeopleAnswer,
  PeopleTask,
  ReadyMessage,
} from './protocol.ts';
import { restartDelay } from './restart.ts';

/** Loading takes a second or two on a warm disk, much longer on a fresh volume. */
export const START_LIMIT_MS = 180_000;

export interface InferenceOptions extends SpawnOptions {
  readonly log: Logger;
  readonly computeLimitMs?: number;
  readonly startLimitMs?: number;
  /** Whether a process is ready only after `prepareWith` was called and its function has resolved. */
  readonly isPrepared?: boolean;
}

export type Computed = Done<Answer>;

/** Gives a new process the live gallery. */
export type Prepare = () => Promise<unknown>;

export class Inference {
  /** Rejects, never resolves, with an InferenceUnfit when no process stays up on this machine. */
  readonly unfit: Promise<never>;
  readonly #options: InferenceOptions;
  readonly #unfit = Promise.withResolvers<never>();
  readonly #jobs: JobQueue;
  readonly #prepare = Promise.withResolvers<Prepare>();
  #model: ModelInfo | undefined;
  #child: InferenceChild | undefined;
  #ready = unheardResolvers();
  #isReady = false;
  /** Its process has a model, and may take a gallery. */
  #isLoaded = false;
  #startLimit: NodeJS.Timeout | undefined;
  #restart: NodeJS.Timeout | undefined;
  #failedStarts = 0;
  #startedAt = 0;
  #end: InferenceUnfit | InferenceStopped | undefined;

  /** Starts the process at once. */
  constructor(options: InferenceOptions) {
    this.#options = options;
    this.unfit = this.#unfit.promise;
    this.unfit.catch(() => {}); // Nobody may be listening.
    this.#jobs = new JobQueue({
      send: (work) => this.#child?.send(work),
      kill: (why) => void this.#child?.kill(why),
      computeLimitMs: options.computeLimitMs,
    });
    if (!options.isPrepared) this.prepareWith(async () => {});
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

  /** Called for each new process, before it gets photos. It is ended when `prepare` rejects. */
  prepareWith(prepare: Prepare): void {
    this.#prepare.resolve(prepare);
  }

  /**
   * Computes a photo when its turn comes, together with others that wait where that is faster.
   * @throws {InferenceCrash} when the process ended meanwhile, or took too long and was ended
   * @throws {InferenceError} when the model failed for a reason that is not the photo's
   * @throws {InferenceUnfit | InferenceStopped} when no process will do it any more
   */
  async compute(bytes: Uint8Array, ask: Ask = {}): Promise<Computed> {
    this.#requireOpen();
    const done = await this.#jobs.add({ bytes, ask });
    return 'outcome' in done ? done : wrongAnswer();
  }

  /** Does work of the people API. Rejects as `compute` does. */
  async perform(task: PeopleTask): Promise<Done<PeopleAnswer>> {
    this.#requireOpen();
    const done = await this.#jobs.add(task);
    return 'result' in done ? done : wrongAnswer();
  }

  /** Swaps the gallery between two photos, or before the first one. Rejects as `compute` does. */
  async swap(gallery: GalleryFiles): Promise<GalleryAnswer> {
    this.#requireOpen();
    // The next process is given the gallery before it is ready.
    if (!this.#isLoaded) throw new InferenceAbsent();
    const swapped = this.#jobs.add(gallery);
    this.#jobs.next();
    const done: AnyAnswer = await swapped;
    return 'swapped' in done || 'refused' in done ? done : wrongAnswer();
  }

  /** Ends the process; photos that are not computed yet are rejected. */
  async stop(): Promise<void> {
    this.#finish(new InferenceStopped());
    await this.#child?.kill('the worker is stopping');
  }

  #requireOpen(): void {
    if (this.#end) throw this.#end;
  }

  #start(): void {
    const { log, startLimitMs = START_LIMIT_MS } = this.#options;
    this.#startedAt = performance.now();
    const child = spawnInference(this.#options, {
      message: (message) => this.#receive(message, child),
      line: (line) => log.debug({ line }, 'Line from the inference process'),
      ended: (how) => this.#ended(how),
    });
    this.#child = child;
    this.#startLimit = setTimeout(
      () => void child.kill(`it was not ready after ${startLimitMs / 1000} s`),
      startLimitMs,
    );
  }

  #receive(message: ChildMessage, child: InferenceChild): void {
    if (message.kind === 'unfit') {
      this.#finish(new InferenceUnfit(message.message));
      void child.kill(message.message);
    } else if (message.kind === 'ready') {
      clearTimeout(this.#startLimit);
      this.#isLoaded = true;
      void this.#complete(message, child);
    } else {
      const isSwap = message.answers.some((one) => 'swapped' in one || 'refused' in one);
      if (!isSwap) this.#failedStarts = 0;
      this.#jobs.answer(message.number, message.answers);
    }
  }

  /** The model is loaded: the gallery comes next, and then photos. */
  async #complete(message: ReadyMessage, child: InferenceChild): Promise<void> {
    const { backend, reason, together, model } = message;
    const startMs = performance.now() - this.#startedAt;
    const prepare = await this.#prepare.promise;
    try {
      if (this.#child === child) await prepare();
    } catch (error) {
      await child.kill(`its gallery could not be loaded: ${messageOf(error)}`);
    }
    if (this.#child !== child || this.#end) return;
    this.#isReady = true;
    this.#model = model;
    this.#options.log.info({ backend, reason }, 'The inference process is ready');
    this.#ready.resolve(backend);
    this.#jobs.open(together, startMs);
  }

  #ended(how: string): void {
    clearTimeout(this.#startLimit);
    this.#child = undefined;
    this.#isLoaded = false;
    if (this.#isReady) this.#ready = unheardResolvers();
    this.#isReady = false;
    const atWork = this.#jobs.ended(how, this.#end);
    if (this.#end) return;
    // A crash at work is that photo's fault, and the queue counts its deliveries.
    this.#failedStarts = atWork === 0 ? this.#failedStarts + 1 : 0;
    const delayMs = restartDelay(this.#failedStarts);
    this.#options.log.error({ how, atWork, delayMs }, 'Inference ended');
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
    this.#jobs.rejectWaiting(end);
  }
}

function wrongAnswer(): never {
  throw new InferenceError('The inference process answered another question.');
}

/** Nobody may be waiting for the promise when it is rejected. */
function unheardResolvers(): PromiseWithResolvers<string> {
  const resolvers = Promise.withResolvers<string>();
  resolvers.promise.catch(() => {});
  return resolvers;
}
