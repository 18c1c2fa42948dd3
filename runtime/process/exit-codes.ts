/** What a command's exit code says: the same for every command, and part of each one's help. */
import type { CommandModule } from 'yargs';
import { SettingsError } from '../errors.ts';

export const EXIT = {
  fine: 0,
  failed: 1,
  /** The command line or a setting: the same again will not do. */
  usage: 2,
  /** A worker whose instance nobody needs: its machine is to be powered off. */
  unneeded: 3,
  /** What shells report for Ctrl-C. */
  interrupted: 130,
} as const;

export const EXIT_CODES_HELP = [
  'Exit codes:',
  `  ${EXIT.fine}    all is well; a service: it was asked to stop, and did`,
  `  ${EXIT.failed}    something failed, or what was checked is not as it should be`,
  `  ${EXIT.usage}    the command line or a setting is wrong`,
  `  ${EXIT.unneeded}    a worker ended since no scaler and no request came for ALONE_SECONDS`,
  `  ${EXIT.interrupted}  Ctrl-C ended a run before it was done`,
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
