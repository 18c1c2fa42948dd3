/**
 * Where this project keeps what it makes or downloads for a user, Node’s compile cache among it: never in the
 * checkout. A user without a home that can be written gets a folder below the system’s temporary one instead.
 */
import { accessSync, constants, existsSync, lstatSync, mkdirSync, mkdtempSync } from 'node:fs';
import module, { createRequire } from 'node:module';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export interface Folders {
  /** Downloads and built native parts; safe to delete, made again when needed. */
  readonly cache: string;
  /** The converted model, unless a setting names another folder. */
  readonly model: string;
  /** The embedded cloud's queues, buckets and instances, unless a setting names another folder. */
  readonly localCloud: string;
}

/** Folders of one user. */
export interface Home {
  readonly cache: string;
  readonly data: string;
}

/**
 * Gives a user without a home, such as a container's random id, a temporary one. In the environment,
 * because libraries ask for it too (the AWS SDK on every call), and the processes that this one starts.
 * @returns the temporary home; undefined where the user has one
 */
function provideHome(): string | undefined {
  try {
    homedir();
    return undefined;
  } catch {
    const home = temporaryFolder();
    process.env.HOME = home;
    return home;
  }
}

function homeOfUser(): Home {
  // Required here and not imported: it asks for the home while it is loaded, and throws without one.
  const { default: envPaths } = createRequire(import.meta.url)(
    'env-paths',
  ) as typeof import('env-paths');
  return envPaths('elastic-face', { suffix: '' });
}

/**
 * @param temporary makes the folder that takes the place of one that cannot be written, when it is needed
 * @returns the folders, and in one line which of them are temporary
 */
export function foldersIn(
  home: Home,
  temporary: () => string,
): { folders: Folders; warning: string | undefined } {
  const refused = new Set<string>();
  let instead: string | undefined;
  const usable = (parent: string, name: string): string => {
    const wanted = join(parent, name);
    if (canBeWritten(wanted)) return wanted;
    refused.add(parent);
    instead ??= temporary();
    return join(instead, name || 'cache');
  };
  const model = join(home.data, 'model');
  const folders = {
    cache: usable(home.cache, ''),
    // A model that is there already is only read.
    model: existsSync(model) ? model : usable(home.data, 'model'),
    localCloud: usable(home.data, 'local-cloud'),
  };
  const warning = instead && warningOf(`Cannot write ${[...refused].join(' or ')}`, instead);
  return { folders, warning };
}

function warningOf(why: string, instead: string): string {
  return `${why}: using ${instead}, which a restart may clear. Set HOME, or XDG_CACHE_HOME and XDG_DATA_HOME, to a folder that can be written.`;
}

/** Whether a folder, or what is to hold it, can be written; true also for root except on a read-only disk. */
function canBeWritten(folder: string): boolean {
  let there = folder;
  while (!existsSync(there) && dirname(there) !== there) there = dirname(there);
  try {
    accessSync(there, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The same folder in every process of a user, and no other user's: libraries are loaded from it. */
function temporaryFolder(): string {
  const uid = process.getuid?.() ?? 'user';
  const folder = join(tmpdir(), `elastic-face-${uid}`);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const there = lstatSync(folder);
    const isPrivate = there.isDirectory() && (there.mode & 0o077) === 0;
    if (isPrivate && (uid === 'user' || there.uid === uid)) return folder;
  } catch {
    // Taken by something that is no folder: one of this process alone.
  }
  return mkdtempSync(`${folder}-`);
}

const temporaryHome = provideHome();
const found = foldersIn(homeOfUser(), temporaryFolder);
const warning = temporaryHome
  ? warningOf('This user has no home folder', temporaryHome)
  : found.warning;

export const folders: Folders = found.folders;

/** Told by commands; a process that they start finds it told already. */
const TOLD = 'ELASTIC_FACE_FOLDERS_TOLD';

/** The line about temporary folders, once for a process and all that it starts. */
export function takeFolderWarning(): string | undefined {
  if (process.env[TOLD] !== undefined) return undefined;
  process.env[TOLD] = '1';
  return warning;
}

/** Where Node keeps compiled modules. */
const compiled = join(folders.cache, 'compiled');

/**
 * Modules imported from now on are kept compiled, without types, in the user's cache: an instance is
 * ready sooner. If the cache cannot be written, nothing is kept and nothing else changes.
 */
export function keepCompiled(): void {
  module.enableCompileCache?.(compiled);
}

/**
 * Environment of a process of this program: it keeps its first modules compiled as well, and so does not load what
 * strips types.
 */
export const compiledEnvironment: Readonly<Record<string, string>> = {
  NODE_COMPILE_CACHE: compiled,
};

/** For a process that will be killed; otherwise the cache is written at exit. */
export function writeCompiled(): void {
  module.flushCompileCache?.();
}
