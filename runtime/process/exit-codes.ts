/** Exit codes: the same for every command, and part of each one's help. */
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
