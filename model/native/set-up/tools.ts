/** Finds the programs that building the native library needs: pip for the download, and a C++ compiler. */
import { NativeError } from '../../errors.ts';
import { type Command, findProgram } from '../run.ts';

const PIPS: readonly Command[] = [
  ['pip3'],
  ['pip'],
  ['python3', '-m', 'pip'],
  ['python', '-m', 'pip'],
];
const COMPILERS: readonly Command[] = [['c++'], ['g++'], ['clang++']];

/** Name for people, and Debian's package. */
const PIP = { what: 'pip', item: 'python3-pip' };
const COMPILER = { what: 'a C++ compiler', item: 'g++' };

export interface Tools {
  readonly pip: Command;
  /** Program name of the compiler. */
  readonly compiler: string;
}

/** The tools found on the PATH. */
export async function findTools(): Promise<Partial<Tools>> {
  const [pip, compiler] = [await findProgram(PIPS), await findProgram(COMPILERS)];
  return { ...(pip && { pip }), ...(compiler && { compiler: compiler[0] }) };
}

/** @throws {NativeError} when there is no pip, saying how to install it */
export async function requirePip(): Promise<Command> {
  const pip = await findProgram(PIPS);
  if (pip === undefined) throw notFound([PIP]);
  return pip;
}

/** @throws {NativeError} when there is no compiler, saying how to install it */
export async function requireCompiler(): Promise<string> {
  const { compiler } = await findTools();
  if (compiler === undefined) throw notFound([COMPILER]);
  return compiler;
}

/**
 * Finds both tools.
 * @throws {NativeError} naming what is missing, and how to install it
 */
export async function requireTools(): Promise<Tools> {
  const { pip, compiler } = await findTools();
  if (pip !== undefined && compiler !== undefined) return { pip, compiler };
  throw notFound([...(pip ? [] : [PIP]), ...(compiler ? [] : [COMPILER])]);
}

function notFound(missing: readonly { what: string; item: string }[]): NativeError {
  const names = missing.map(({ what }) => what).join(' and ');
  const items = missing.map(({ item }) => item).join(' ');
  return new NativeError(`${names} not found (on Debian or Ubuntu: apt install ${items})`);
}
