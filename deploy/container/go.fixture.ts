/** Programs in Go, with which tests ask the real tools of containers and Kubernetes. */
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { folders } from '../../runtime/folders.ts';

/**
 * Why tests that build Go programs are skipped; false where they run.
 * @param variable runs them with the value "full"
 * @param cost what they build
 */
export function whyNoGo(variable: string, cost: string): string | false {
  if (process.env[variable] !== 'full') return `${cost}: set ${variable}=full to run it`;
  if (spawnSync('go', ['version']).status !== 0) return 'Go is missing';
  return false;
}

const programs = join(folders.cache, 'go');

/** Where `buildGo` puts a program, or has put it in an earlier run. */
export const builtProgram = (name: string): string => join(programs, name);

/**
 * Builds a program of the Go module in `folder` into the user's cache, quickly where nothing changed.
 * @param target its package
 * @returns path of the program
 */
export function buildGo(folder: string, name: string, target = '.'): string {
  mkdirSync(programs, { recursive: true });
  const program = builtProgram(name);
  const build = [
    'build',
    '-trimpath',
    '-ldflags',
    '-s -w',
    '-buildvcs=false',
    '-o',
    program,
    target,
  ];
  const { status, stderr } = spawnSync('go', build, { cwd: folder, encoding: 'utf8' });
  if (status !== 0) throw new Error(`go build ${target} failed: ${stderr}`);
  return program;
}

/** @returns what the program printed; throws what it said when it fails */
export function run(
  program: string,
  args: readonly string[],
  { environment = {}, input = '' }: { environment?: Record<string, string>; input?: string } = {},
): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    encoding: 'utf8',
    input,
    env: { ...process.env, ...environment },
    maxBuffer: 64 * 1024 * 1024,
  });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${error ?? stderr}`);
  return stdout;
}
