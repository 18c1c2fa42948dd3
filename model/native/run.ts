/** Runs a program and keeps what it said, for errors that explain themselves. */
import { spawn } from 'node:child_process';
import { NativeError } from './errors.ts';

/** As much of a failed program's words as help. */
const KEPT_LETTERS = 2000;

export interface RunOptions {
  readonly cwd?: string;
  /** Show the program's own progress. */
  readonly show?: boolean;
  readonly timeoutMs?: number;
}

/** @throws {NativeError} when the program is missing, fails, or takes too long */
export function run(
  program: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: options.cwd,
      stdio: ['ignore', options.show ? 'inherit' : 'pipe', options.show ? 'inherit' : 'pipe'],
      timeout: options.timeoutMs,
    });
    let said = '';
    const keep = (chunk: Buffer): void => {
      said = (said + chunk.toString()).slice(-KEPT_LETTERS);
    };
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    child.on('error', (cause) =>
      reject(new NativeError(`${program} cannot be run: ${cause.message}`, { cause })),
    );
    child.on('close', (code, signal) => {
      if (code === 0) return resolve();
      const how = signal === null ? `ended with ${code}` : `was ended by ${signal}`;
      const last = said.trim().split('\n').at(-1)?.trim() ?? '';
      reject(
        new NativeError(`${program} ${how}${last ? `: ${last}` : ''}`, {
          cause: said || undefined,
        }),
      );
    });
  });
}

/** The first of these programs that answers `--version`. */
export async function findProgram(
  candidates: readonly (readonly string[])[],
): Promise<readonly string[] | undefined> {
  for (const candidate of candidates) {
    const [program, ...args] = candidate as [string, ...string[]];
    try {
      await run(program, [...args, '--version']);
      return candidate;
    } catch {
      // Not here, or broken: the next one.
    }
  }
  return undefined;
}
