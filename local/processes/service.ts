/** Runs one service of the project as a process through the command line. Knows none of them. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { modulePath } from '../../runtime/installation.ts';
import { LocalCloudError } from '../endpoint.ts';
import { type Child, startChild } from './child.ts';

/** The command line that every process of the project goes through. */
export const COMMAND_LINE = modulePath('../../elastic-face.ts', import.meta.url);
const LAST_LINES = 5;

export interface Service {
  readonly name: string;
  /** Rejects, once, with the service's last words, when it ends without being asked. */
  readonly died: Promise<never>;
  /** The port it says it listens on; for services that say one. */
  readonly port: Promise<number>;
  /** Resolves when it is gone. */
  stop(): Promise<void>;
}

const listening = z.object({ listening: z.int().min(1).max(65535) });

/** Starts `elastic-face <name>`; its output goes to `<name>.log`. */
export async function startService(options: {
  name: string;
  environment: Readonly<Record<string, string>>;
  logFolder: string;
  graceMs: number;
}): Promise<Service> {
  const { name } = options;
  const logFile = join(options.logFolder, `${name}.log`);
  const port = Promise.withResolvers<number>();
  const child: Child = await startChild({
    args: [COMMAND_LINE, name],
    environment: options.environment,
    logFile,
    graceMs: options.graceMs,
    onMessage(message) {
      const parsed = listening.safeParse(message);
      if (parsed.success) port.resolve(parsed.data.listening);
    },
  });
  let stopping = false;
  const died = child.gone.then(async (how): Promise<never> => {
    // It was asked to stop: that is no failure.
    if (stopping) return new Promise(() => undefined);
    throw new LocalCloudError(
      `The ${name} service ${how}. Its last lines, from ${logFile}:\n${await lastLines(logFile)}`,
    );
  });
  // A rejection that is not awaited yet is no error.
  died.catch(() => undefined);
  return {
    name,
    died,
    port: port.promise,
    async stop() {
      stopping = true;
      child.stop();
      await child.gone;
    },
  };
}

async function lastLines(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text.trimEnd().split('\n').slice(-LAST_LINES).join('\n') || '(nothing)';
}
