/** From the start of a process to its first answer, as a person at a terminal meets it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { COMMAND_LINE } from '../../local/processes/service.ts';
import { BenchError } from '../errors.ts';
import { type Places, pythonProgram } from './parties.ts';
import { onCores, type Program } from './peer.ts';
import { median } from './statistics.ts';

/** Model files and libraries are in the page cache: the first run of each does not count. */
export async function measureColdStarts(
  places: Places,
  photo: string,
  options: { rounds: number; python: boolean; cores: string | undefined },
): Promise<{ own?: number; python?: number }> {
  const { model, threads, checkpoint } = places;
  const own: Program = {
    command: process.execPath,
    args: [COMMAND_LINE, 'recognize', '--model', model, '--threads', String(threads), photo],
  };
  const script = pythonProgram(places, 'cold_start.py', [checkpoint, model, photo]);
  const taken = { own: [] as number[], python: [] as number[] };
  for (let round = 0; round <= options.rounds; round++) {
    const first = await timeToFirstLine(own, options.cores);
    const other = options.python ? await timeToFirstLine(script, options.cores) : undefined;
    if (round === 0) continue;
    taken.own.push(first);
    if (other !== undefined) taken.python.push(other);
  }
  return {
    own: median(taken.own),
    ...(taken.python.length > 0 && { python: median(taken.python) }),
  };
}

/** ms until it has written its first line. @throws {BenchError} with its last words when it writes none */
async function timeToFirstLine(program: Program, cores: string | undefined): Promise<number> {
  const { command, args, environment } = onCores(program, cores);
  const begun = performance.now();
  const child = spawn(command, [...args], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let errors = '';
  child.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  let taken: number | undefined;
  child.stdout.once('data', () => {
    taken = performance.now() - begun;
  });
  await once(child, 'close');
  if (taken === undefined) {
    throw new BenchError(`${command} answered nothing: ${errors.trim().split('\n').at(-1)}`);
  }
  return taken;
}
