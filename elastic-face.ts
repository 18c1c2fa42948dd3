#!/usr/bin/env node
/** The command line: one program, each command living in the room it belongs to. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import yargs, { type CommandModule } from 'yargs';
import { hideBin } from 'yargs/helpers';
import { ElasticFaceError, messageOf, SettingsError } from './runtime/errors.ts';
import { keepCompiled, takeFolderWarning } from './runtime/folders.ts';
import { isPackaged, packageFolder, packageVersion } from './runtime/installation.ts';
import { EXIT, EXIT_CODES_HELP, exitCodeOf, tellingExitCodes } from './runtime/process/exit.ts';
import { moveToNewerNode } from './runtime/process/newer-node.ts';

if (isPackaged) await moveToNewerNode();
const folderWarning = takeFolderWarning();
if (folderWarning !== undefined) console.error(folderWarning);
keepCompiled();

/** Commands are loaded when asked for: `recognize` should not wait for the AWS SDK. */
const commands = {
  start: () => import('./local/start.command.ts'),
  recognize: () => import('./model/recognize.command.ts'),
  convert: () => import('./convert/convert.command.ts'),
  photo: () => import('./convert/photo.command.ts'),
  web: () => import('./web/web.command.ts'),
  key: () => import('./web/key.command.ts'),
  worker: () => import('./worker/worker.command.ts'),
  scaler: () => import('./scaler/scaler.command.ts'),
  workload: () => import('./workload/workload.command.ts'),
  grader: () => import('./workload/grader.command.ts'),
  soak: () => import('./bench/soak.command.ts'),
  bench: () => import('./bench/bench.command.ts'),
  people: () => import('./operate/people.command.ts'),
  'dead-letters': () => import('./operate/dead-letters.command.ts'),
  provision: () => import('./operate/provision.command.ts'),
  logs: () => import('./operate/logs.command.ts'),
  settings: () => import('./operate/settings.command.ts'),
  chaos: () => import('./test/chaos/chaos.command.ts'),
  deploy: () => import('./deploy/deploy.command.ts'),
  doctor: () => import('./operate/doctor.command.ts'),
  'setup-native': () => import('./model/setup-native.command.ts'),
} satisfies Record<string, () => Promise<{ command: unknown }>>;

/** These develop and deploy the project: the npm package and images come without them and without bench/. */
const needCheckout: readonly string[] = ['soak', 'bench', 'chaos', 'deploy'];
const isCheckout = existsSync(join(packageFolder, 'bench'));

const present = Object.keys(commands).filter((name) => isCheckout || !needCheckout.includes(name));
const asked = hideBin(process.argv)[0];
const names = asked !== undefined && present.includes(asked) ? [asked] : present;
const loaded = await Promise.all(
  names.map(async (name) => (await commands[name as keyof typeof commands]()).command),
);

await yargs(hideBin(process.argv))
  .scriptName('elastic-face')
  .command((loaded as CommandModule[]).map(tellingExitCodes))
  .demandCommand(1, 'Name a command, e.g. `elastic-face start`.')
  .strict()
  .updateStrings({
    'Not enough non-option arguments: got %s, need at least %s': {
      one: 'The first line above says what must be named: %s given, at least %s needed.',
      other: 'The first line above says what must be named: %s given, at least %s needed.',
    } as unknown as string,
  })
  .recommendCommands()
  .check(refuseNoNumbers, true)
  .check(refuseTwice, true)
  .epilogue(EXIT_CODES_HELP)
  .help()
  .version(await packageVersion())
  .wrap(Math.min(100, process.stdout.columns ?? 100))
  .fail((message, error, parser) => {
    if (error instanceof ElasticFaceError) console.error(error.message);
    // YError is yargs' own word for a wrong command line, e.g. a flag without its value.
    else if (error && error.name !== 'YError') console.error(error.stack ?? messageOf(error));
    else console.error(`${parser.help()}\n\n${message}`);
    process.exit(error && error.name !== 'YError' ? exitCodeOf(error) : EXIT.usage);
  })
  .parseAsync();

/** What is no number where one belongs arrives as NaN, whichever the command. */
function refuseNoNumbers(flags: Readonly<Record<string, unknown>>): true {
  const wrong = Object.keys(flags).find((name) => Number.isNaN(flags[name]));
  if (wrong === undefined) return true;
  throw new SettingsError(`--${wrong} must be a number.`);
}

/** Of an option that is given twice, one value would be left unread. Lists may be given in several parts. */
function refuseTwice(flags: Readonly<Record<string, unknown>>, parsed: object): true {
  const { key = {}, array = [] } = parsed as { key?: object; array?: readonly string[] };
  const twice = Object.keys(key).find(
    (name) => Array.isArray(flags[name]) && !array.includes(name),
  );
  if (twice === undefined) return true;
  throw new SettingsError(`--${twice} is given more than once: give it once.`);
}
