/**
 * How a process ends: the exit codes, the same for every command and part of each one’s help, and the
 * graceful stop (the first signal asks, a later one exits at once). Does not know what is being stopped.
 */
import type { CommandModule } from 'yargs';
import { SettingsError } from '../errors.ts';
import type { Logger } from '../log.ts';

export const EXIT = {
  fine: 0,
  failed: 1,
  /** The command line or a setting: the same again will not do. */
  usage: 2,
  /** A worker whose instance is not needed: its machine is to be powered off. */
  unneeded: 3,
  /** What shells report for Ctrl-C. */
  interrupted: 130,
} as const;

export const EXIT_CODES_HELP = [
  'Exit codes:',
  `  ${EXIT.fine}    success; for a service: it stopped when asked`,
  `  ${EXIT.failed}    something failed, or a check did not pass`,
  `  ${EXIT.usage}    the command line or a setting is wrong`,
  `  ${EXIT.unneeded}    a worker exited because no scaler led and no request came for ALONE_SECONDS`,
  `  ${EXIT.interrupted}  Ctrl-C interrupted the run`,
].join('\n');

export function exitCodeOf(error: unknown): number {
  return error instanceof SettingsError ? EXIT.usage : EXIT.failed;
}

/** The command with the exit codes below its help. */
export function tellingExitCodes<Shared, Own>(
  command: CommandModule<Shared, Own>,
): CommandModule<Shared, Own> {
  const { builder } = command;
  return {
    ...command,
    builder: (args) => {
      const built = typeof builder === 'function' ? builder(args) : args.options(builder ?? {});
      args.epilogue(EXIT_CODES_HELP);
      return built as never;
    },
  };
}

/** One Ctrl-C can arrive twice: from the terminal and again from npm. */
const SAME_SIGNAL_MS = 1000;

/**
 * Runs `stop` once on SIGTERM or SIGINT and exits 0 when it has finished, 1 when it failed.
 * A second signal more than a second later exits at once with 1, so that a stuck stop can be ended.
 */
export function stopOnSignals(log: Logger, stop: (signal: string) => Promise<void>): void {
  let askedAt: number | undefined;
  const onSignal = (signal: NodeJS.Signals): void => {
    const now = performance.now();
    if (askedAt !== undefined) {
      if (now - askedAt > SAME_SIGNAL_MS) {
        log.warn({ signal }, 'Second signal: exiting at once');
        process.exit(1);
      }
      return;
    }
    askedAt = now;
    log.info({ signal }, 'Stopping');
    stop(signal).then(
      () => process.exit(0),
      (err: unknown) => {
        log.error({ err }, 'Stopping failed');
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
}

/** Environment variable: the parent of a process that was replaced, and so lost its IPC channel. */
export const PARENT_PID = 'ELASTIC_FACE_PARENT_PID';
const PARENT_LOOK_MS = 1000;

/**
 * Exits when the parent process is gone, however it ended. Applies to a process that was started with an IPC
 * channel, as the embedded cloud does.
 */
export function leaveWithParent(log: Logger): void {
  const leave = (): never => {
    log.warn('The parent process is gone; exiting');
    process.exit(1);
  };
  const parent = process.env[PARENT_PID];
  if (process.connected) process.once('disconnect', leave);
  else if (parent !== undefined) {
    setInterval(() => process.ppid === Number(parent) || leave(), PARENT_LOOK_MS).unref();
  }
}

/** For a command that can report how far it came: aborted by the first SIGINT or SIGTERM; another, more than a second later, exits at once. */
export function abortOnSignals(): AbortSignal {
  const stopping = new AbortController();
  let askedAt: number | undefined;
  const onSignal = (): void => {
    const now = performance.now();
    if (askedAt !== undefined && now - askedAt > SAME_SIGNAL_MS) process.exit(EXIT.interrupted);
    askedAt ??= now;
    stopping.abort();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return stopping.signal;
}
