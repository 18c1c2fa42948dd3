/** Runs a program and keeps its output for the error message if it fails. */
import { spawn } from 'node:child_process';
import { basename } from 'node:path';
import { hideCredentials } from '../../runtime/credentials.ts';
import { messageOf } from '../../runtime/errors.ts';
import { NativeError } from '../errors.ts';

/** Characters of a failed program's output that are kept. */
const KEPT_CHARACTERS = 8000;
const MAX_REASON_CHARACTERS = 300;

export interface RunOptions {
  readonly cwd?: string;
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Show the program's own progress. */
  readonly show?: boolean | undefined;
  readonly timeoutMs?: number;
  /** Ends the program; its reason becomes the error's message. */
  readonly signal?: AbortSignal;
}

/** @throws {NativeError} when the program is missing, fails, or takes too long; its cause is the program's output */
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
    let output = '';
    const keep = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-KEPT_CHARACTERS);
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
      // The output may quote the address of a configured proxy or mirror.
      const shown = hideCredentials(output);
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
  // A library built for newer processors ends like this on an older one.
  if (signal === 'SIGILL') return 'was ended by SIGILL: this processor lacks instructions it needs';
  return signal === null ? `ended with ${code}` : `was ended by ${signal}`;
}

/** The first line with an error, because later ones follow from it; otherwise the last line. */
export function reasonIn(output: string): string {
  const lines = output
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const line = lines.find((each) => /\berror:|cannot find/i.test(each)) ?? lines.at(-1) ?? '';
  return line.slice(0, MAX_REASON_CHARACTERS);
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
      // Missing or broken: try the next one.
    }
  }
  return undefined;
}
