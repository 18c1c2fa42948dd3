/**
 * The tasks of the inference process: which wait, which are in the process, and what becomes of them when it
 * ends. Knows no process.
 */
import {
  InferenceCrash,
  InferenceError,
  InferenceStopped,
  type InferenceUnfit,
} from '../errors.ts';
import { nextBatch } from './batching.ts';
import { type AnyAnswer, isGallery, isPhoto, type Task, type Work } from './protocol.ts';

/** A large photo takes a second or two; what takes this long will not end. */
const COMPUTE_LIMIT_MS = 60_000;
/** On a machine so slow that its process was ready late (emulated, throttled), the limit is this many times that. */
const TIMES_START = 3;
/** A gallery of a million faces takes some seconds from the disk. */
const SWAP_LIMIT_MS = 180_000;

/** Its answer, and its share of the time from handing the tasks over to having their answers, in ms. */
export type Done<A extends AnyAnswer> = A & { readonly computeMs: number };

interface Job {
  /** It was being computed when a process ended: computed alone, it shows whether it was the cause. */
  readonly suspect: boolean;
  readonly alone: boolean;
  readonly task: Task;
  readonly resolve: (done: Done<AnyAnswer>) => void;
  readonly reject: (error: unknown) => void;
}

interface Handed {
  readonly number: number;
  readonly jobs: readonly Job[];
  /** When its turn came: another may have been in work before it. */
  since: number;
}

export interface JobQueueOptions {
  readonly send: (work: Work) => void;
  /** Ends the process, which can no longer be trusted. */
  readonly kill: (why: string) => void;
  readonly computeLimitMs?: number | undefined;
}

export class JobQueue {
  readonly #options: JobQueueOptions;
  readonly #waiting: Job[] = [];
  /** Ahead of all others, and also while photos must wait. */
  readonly #swaps: Job[] = [];
  /** In order; the process computes the first, and has the others at hand. */
  #inWork: Handed[] = [];
  #limit: NodeJS.Timeout | undefined;
  /** Photos in one batch; 0 while only galleries are handed over. */
  #together = 0;
  /** ms from its start until it was ready. */
  #startMs = 0;
  #lastNumber = 0;

  constructor(options: JobQueueOptions) {
    this.#options = options;
  }

  add(task: Task): Promise<Done<AnyAnswer>> {
    return new Promise((resolve, reject) => {
      const job = { suspect: false, alone: !isPhoto(task), task, resolve, reject };
      if (isGallery(task)) this.#swaps.push(job);
      else this.#waiting.push(job);
      if (this.#together > 0) this.next();
    });
  }

  /**
   * Hands over whatever the process has capacity for.
   * @param together photos in one batch
   * @param startMs how long the process took to be ready
   */
  open(together: number, startMs = 0): void {
    this.#together = together;
    this.#startMs = startMs;
    this.next();
  }

  /** Hands over what may be handed over now. */
  next(): void {
    for (;;) {
      const inWork = this.#inWork.map(({ jobs }) => jobs);
      const lane = this.#swaps.length > 0 ? this.#swaps : this.#waiting;
      const most = lane === this.#swaps ? 1 : this.#together;
      if (most === 0) return;
      const jobs = lane.splice(0, nextBatch(lane, inWork, most));
      if (jobs.length === 0) return;
      this.#lastNumber += 1;
      this.#inWork.push({ number: this.#lastNumber, jobs, since: performance.now() });
      if (this.#inWork.length === 1) this.#limitFirst();
      this.#options.send({ number: this.#lastNumber, tasks: jobs.map(({ task }) => task) });
    }
  }

  answer(number: number, answers: readonly AnyAnswer[]): void {
    const [work] = this.#inWork;
    if (work?.number !== number || work.jobs.length !== answers.length) {
      this.#options.kill('its answer does not match the request');
      return;
    }
    this.#inWork.shift();
    this.#limitFirst();
    this.next();
    const computeMs = (performance.now() - work.since) / work.jobs.length;
    for (const [index, answer] of answers.entries()) {
      const { resolve, reject } = work.jobs[index] as Job;
      if ('failed' in answer) reject(new InferenceError(`The model failed: ${answer.failed}`));
      else resolve({ ...answer, computeMs });
    }
  }

  /**
   * The process has ended: a task that was alone in it has failed, several wait for the next process.
   * @param end why there will be no other process, if so
   * @returns how many photos and works were in it
   */
  ended(how: string, end: InferenceUnfit | InferenceStopped | undefined): number {
    this.#together = 0;
    clearTimeout(this.#limit);
    const all = this.#inWork.flatMap(({ jobs }) => jobs);
    this.#inWork = [];
    const crash = new InferenceCrash(
      `The inference process ended while computing this photo: ${how}.`,
    );
    const jobs = all.filter(({ task }) => !isGallery(task));
    // The next process gets the gallery again before anything else.
    const swaps = [...all.filter(({ task }) => isGallery(task)), ...this.#swaps.splice(0)];
    const unswapped = new InferenceCrash(
      `The inference process ended as it took a gallery: ${how}.`,
    );
    for (const { reject } of swaps) reject(end ?? unswapped);
    if (end instanceof InferenceStopped) {
      for (const { reject } of jobs) reject(end);
    } else if (all.length > 1 && end === undefined) {
      this.#waiting.unshift(...jobs.map((job) => ({ ...job, suspect: true })));
    } else {
      for (const { reject } of jobs) reject(crash);
    }
    return jobs.length;
  }

  rejectWaiting(end: InferenceUnfit | InferenceStopped): void {
    for (const { reject } of [...this.#waiting.splice(0), ...this.#swaps.splice(0)]) reject(end);
  }

  /** Its turn has come. */
  #limitFirst(): void {
    clearTimeout(this.#limit);
    const [first] = this.#inWork;
    if (first === undefined) return;
    first.since = performance.now();
    const { computeLimitMs = COMPUTE_LIMIT_MS } = this.#options;
    const each = Math.max(computeLimitMs, Math.round(TIMES_START * this.#startMs));
    const limitMs = first.jobs.reduce((sum, { task }) => sum + limitOf(task, each), 0);
    this.#limit = setTimeout(
      () => this.#options.kill(`it took longer than ${limitMs / 1000} s`),
      limitMs,
    );
  }
}

function limitOf(task: Task, computeLimitMs: number): number {
  if (isGallery(task)) return SWAP_LIMIT_MS;
  return isPhoto(task) ? computeLimitMs : computeLimitMs * Math.max(1, task.inputs.length);
}
