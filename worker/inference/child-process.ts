/** One inference process from fork to end, as words and one ending. Knows nothing of photos' turns. */
import { type ChildProcess, fork } from 'node:child_process';
import { createInterface } from 'node:readline';
import { tensorMemory } from '../../model/native/tensor-memory.ts';
import { messageOf } from '../../runtime/errors.ts';
import { type Word, type Work, wordSchema } from './protocol.ts';

export interface SpawnOptions {
  /** The program to run; it speaks protocol.ts, mostly through serve.ts. */
  readonly entry: URL;
  readonly args: readonly string[];
  /** Of one computation. */
  readonly threads: number;
  readonly environment?: NodeJS.ProcessEnv;
}

export interface Hearer {
  word(word: Word): void;
  /** A line it wrote to standard error. */
  line(line: string): void;
  /** Called once, when it is gone. */
  ended(how: string): void;
}

export interface InferenceChild {
  send(work: Work): void;
  /** Ends it at once: it holds nothing worth saving. @param why told in `ended` */
  kill(why: string): Promise<void>;
}

/** @throws what forking throws */
export function spawnInference(options: SpawnOptions, hearer: Hearer): InferenceChild {
  const child = fork(options.entry, [...options.args], {
    // Nothing of the parent's own: a preloaded module or an inspector is not meant for this one.
    execArgv: [],
    // Photos travel as bytes, not as JSON.
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    env: inferenceEnvironment(options.threads, options.environment),
  });
  let why: string | undefined;
  let lastLine = '';
  const gone = Promise.withResolvers<void>();
  const killWithWorker = (): void => void child.kill('SIGKILL');
  process.once('exit', killWithWorker);

  const end = (how: string): void => {
    process.off('exit', killWithWorker);
    hearer.ended(why ?? (lastLine === '' ? how : `${how}, last line: ${lastLine}`));
    gone.resolve();
  };
  const kill = (reason: string): Promise<void> => {
    why ??= reason;
    child.kill('SIGKILL');
    return gone.promise;
  };
  child.on('message', (message) => {
    const word = wordSchema.safeParse(message);
    if (word.success) hearer.word(word.data);
    else void kill('it said something that is not of its protocol');
  });
  // A channel that breaks while the process lives leaves nobody to work with.
  child.once('disconnect', () => void child.kill('SIGKILL'));
  onceEnded(child, end);
  if (child.stderr) {
    createInterface({ input: child.stderr }).on('line', (line) => {
      if (line.trim() !== '') lastLine = line.trim();
      hearer.line(line);
    });
  }
  return {
    send: (work) => {
      child.send(work, (error) => {
        if (error) void kill(`it cannot be spoken to (${messageOf(error)})`);
      });
    },
    kill,
  };
}

/** `close` comes after the last of standard error; `error` alone when it could not be started. */
function onceEnded(child: ChildProcess, end: (how: string) => void): void {
  let ended = false;
  const once = (how: string): void => {
    if (!ended) end(how);
    ended = true;
  };
  child.once('close', (code, signal) =>
    once(signal === null ? `exit code ${code}` : `killed by ${signal}`),
  );
  child.on('error', (error) => {
    if (child.pid === undefined) once(messageOf(error));
  });
}

/** An environment that says otherwise of memory wins. The threads must be known before the library loads. */
function inferenceEnvironment(threads: number, environment = process.env): NodeJS.ProcessEnv {
  return {
    ...tensorMemory,
    ...environment,
    TF_NUM_INTRAOP_THREADS: String(threads),
    TF_NUM_INTEROP_THREADS: '1',
  };
}
