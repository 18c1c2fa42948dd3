/** One inference process from fork to end, as messages and one ending. Does not know the order of photos. */
import { type ChildProcess, fork } from 'node:child_process';
import { createInterface } from 'node:readline';
import { mallocSettings } from '../../model/native/malloc-settings.ts';
import { messageOf } from '../../runtime/errors.ts';
import { compiledEnvironment } from '../../runtime/folders.ts';
import { type ChildMessage, childMessageSchema, type Work } from './protocol.ts';

export interface SpawnOptions {
  /** The program to run; it speaks protocol.ts, mostly through serve.ts. */
  readonly entry: URL;
  readonly args: readonly string[];
  /** Of one computation. */
  readonly threads: number;
  readonly environment?: NodeJS.ProcessEnv;
}

export interface ChildEvents {
  message(message: ChildMessage): void;
  /** A line it wrote to standard error. */
  line(line: string): void;
  /** Called once, when it is gone. */
  ended(how: string): void;
}

export interface InferenceChild {
  send(work: Work): void;
  /** Kills it: it holds nothing worth saving. @param why passed to `ended` */
  kill(why: string): Promise<void>;
}

/** @throws what forking throws */
export function spawnInference(options: SpawnOptions, events: ChildEvents): InferenceChild {
  const child = fork(options.entry, [...options.args], {
    // Not the parent's: a preloaded module or an inspector is not meant for this process.
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
    events.ended(why ?? (lastLine === '' ? how : `${how}, last line: ${lastLine}`));
    gone.resolve();
  };
  const kill = (reason: string): Promise<void> => {
    why ??= reason;
    child.kill('SIGKILL');
    return gone.promise;
  };
  child.on('message', (message) => {
    const parsed = childMessageSchema.safeParse(message);
    if (parsed.success) events.message(parsed.data);
    else void kill('it sent a message that is not part of the protocol');
  });
  // A process whose channel is broken is useless.
  child.once('disconnect', () => void child.kill('SIGKILL'));
  onceEnded(child, end);
  if (child.stderr) {
    createInterface({ input: child.stderr }).on('line', (line) => {
      if (line.trim() !== '') lastLine = line.trim();
      events.line(line);
    });
  }
  return {
    send: (work) => {
      child.send(work, (error) => {
        if (error) void kill(`it cannot be reached (${messageOf(error)})`);
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

/** The environment's own memory settings take precedence. The threads must be known before the library loads. */
function inferenceEnvironment(threads: number, environment = process.env): NodeJS.ProcessEnv {
  return {
    ...mallocSettings,
    ...compiledEnvironment,
    ...environment,
    TF_NUM_INTRAOP_THREADS: String(threads),
    TF_NUM_INTEROP_THREADS: '1',
  };
}
