/** Runs a program and keeps what it said, for errors that explain themselves. */
import { spawn } from 'node:child_process';
import { basename } from 'node:path';
import { hideCredentials } from '../../runtime/credentials.ts';
import { messageOf } from '../../runtime/errors.ts';
import { NativeError } from '../errors.ts';

/** As much of a failed program's words as help. */
const KEPT_LETTERS = 8000;
const LONGEST_REASON = 300;

export interface RunOptions {
  readonly cwd?: string;
  /** On top of this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Show the program's own progress. */
  readonly show?: boolean | undefined;
  readonly timeoutMs?: number;
  /** Ends the program; its reason is the message of the error. */
  readonly signal?: AbortSignal;
}

/** @throws {NativeError} when the program is missing, fails, or takes too long; its cause is all it said */
export function run(
  program: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: ['ignore', options.show ? 'inherit' : 'pipe', options.show ? 'inherit' : 'pipe'],
      timeout: options.timeoutMs,
      signal: options.signal,
    });
    let said = '';
    const keep = (chunk: Buffer): void => {
      said = (said + chunk.toString()).slice(-KEPT_LETTERS);
    };
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    child.on('error', (cause) => {
      const given = options.signal?.aborted === true && messageOf(options.signal.reason);
      const reason = given || `${basename(program)} cannot be run: ${cause.message}`;
      reject(new NativeError(reason, { cause }));
    });
    child.on('close', (code, signal) => {
      if (code === 0) return resolve();
      // Of a proxy or a mirror that is configured, for example.
      const shown = hideCredentials(said);
      const reason = reasonIn(shown);
      reject(
        new NativeError(
          `${basename(program)} ${howItEnded(code, signal)}${reason ? `: ${reason}` : ''}`,
          { cause: shown || undefined },
        ),
      );
    });
  });
}

function howItEnded(code: number | null, signal: NodeJS.Signals | null): string {
  // What a library built for newer processors does on an older one.
  if (signal === 'SIGILL') return 'was ended by SIGILL: this processor lacks instructions it needs';
  return signal === null ? `ended with ${code}` : `was ended by ${signal}`;
}

/** The line that says why: the first that speaks of an error, since later ones follow from it. */
export function reasonIn(said: string): string {
  const lines = said
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const line = lines.find((each) => /\berror:|cannot find/i.test(each)) ?? lines.at(-1) ?? '';
  return line.slice(0, LONGEST_REASON);
}

/** A program and its first arguments. */
export type Command = readonly [string, ...string[]];

/** The first of these programs that answers `--version`. */
export async function findProgram(candidates: readonly Command[]): Promise<Command | undefined> {
  for (const candidate of candidates) {
    const [program, ...args] = candidate;
    try {
      await run(program, [...args, '--version']);
      return candidate;
    } catch {
      // Not here, or broken: the next one.
    }
  }
  return undefined;
}
