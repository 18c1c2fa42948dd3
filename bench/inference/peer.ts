/** A party's process: started on its cores, given one request at a time, then ended. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { BenchError } from '../errors.ts';
import {
  type Answer,
  answerSchemas,
  failureSchema,
  type Kind,
  type Request,
  readySchema,
} from './protocol.ts';

export interface Program {
  readonly command: string;
  readonly args: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

/** Cores of a process; undefined leaves the choice to the system. */
export type Cores = string | undefined;

/** Time to load libraries and compile models. */
const READY_MS = 120_000;
/** The slowest request is a large photo on the slowest engine. */
const ANSWER_MS = 180_000;

/** Lines that Node writes after an error: its stack, its fields, the version. */
const NOT_A_REASON = /^\s*(?:at .*|Node\.js v\S+|\W*)$/;

/** Pinned to these cores with taskset, if given. */
export function onCores({ command, args, environment }: Program, cores: Cores): Program {
  if (cores === undefined) return { command, args, ...(environment && { environment }) };
  return {
    command: 'taskset',
    args: ['-c', cores, command, ...args],
    ...(environment && { environment }),
  };
}

export class Peer {
  readonly name: string;
  readonly #child: ChildProcess;
  readonly #waiting = new Map<
    number,
    { resolve(value: unknown): void; reject(error: Error): void }
  >();
  readonly #ready = Promise.withResolvers<string>();
  readonly #ended = Promise.withResolvers<void>();
  #count = 0;
  #lastLine = '';

  constructor(name: string, program: Program, cores: Cores) {
    this.name = name;
    const { command, args, environment } = onCores(program, cores);
    this.#child = spawn(command, [...args], {
      env: { ...process.env, ...environment },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    process.once('exit', this.#kill);
    createInterface({ input: this.#child.stdout! }).on('line', (line) => this.#hear(line));
    createInterface({ input: this.#child.stderr! }).on('line', (line) => {
      if (!NOT_A_REASON.test(line)) this.#lastLine = line.trim();
    });
    this.#child.stdin!.on('error', () => {}); // `close` reports the reason.
    this.#child.once('error', (error) => this.#end(error.message));
    this.#child.once('close', (code, signal) => this.#end(`exit ${signal ?? code}`));
    this.#ready.promise.catch(() => {});
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** @returns the versions it runs @throws {BenchError} with its last output when it does not start */
  ready(): Promise<string> {
    return this.#within(this.#ready.promise, READY_MS, 'start');
  }

  /** @throws {BenchError} when it fails, ends or takes too long */
  ask<K extends Kind>(request: Extract<Request, { do: K }>): Promise<Answer<K>> {
    const id = ++this.#count;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#waiting.set(id, { resolve, reject });
    this.#child.stdin!.write(`${JSON.stringify({ id, ...request })}\n`);
    const schema = answerSchemas[request.do as K] as unknown as z.ZodType<Answer<K>>;
    return this.#within(promise, ANSWER_MS, request.do).then((answer) => schema.parse(answer));
  }

  /** Ends it at once. */
  async close(): Promise<void> {
    this.#kill();
    await this.#ended.promise;
  }

  readonly #kill = (): void => void this.#child.kill('SIGKILL');

  #hear(line: string): void {
    if (!line.startsWith('@{')) return;
    const said: unknown = JSON.parse(line.slice(1));
    const ready = readySchema.safeParse(said);
    if (ready.success) {
      this.#ready.resolve(ready.data.versions);
      return;
    }
    const { id } = z.looseObject({ id: z.int() }).parse(said);
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    const failure = failureSchema.safeParse(said);
    if (failure.success) waiting?.reject(new BenchError(`${this.name}: ${failure.data.error}`));
    else waiting?.resolve(said);
  }

  #end(how: string): void {
    process.off('exit', this.#kill);
    const error = new BenchError(`${this.name} ended (${this.#lastLine || how}).`);
    this.#ready.reject(error);
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
    this.#ended.resolve();
  }

  async #within<T>(answer: Promise<T>, limitMs: number, what: string): Promise<T> {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      late.reject(new BenchError(`${this.name} took over ${limitMs / 1000} s to ${what}.`));
      this.#kill();
    }, limitMs);
    try {
      return await Promise.race([answer, late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Sends one request to a party in a process of its own. @throws {BenchError} as a peer does */
export async function askAlone<K extends Kind>(
  name: string,
  program: Program,
  cores: Cores,
  request: Extract<Request, { do: K }>,
): Promise<Answer<K>> {
  const peer = new Peer(name, program, cores);
  try {
    await peer.ready();
    return await peer.ask(request);
  } finally {
    await peer.close();
  }
}
