/** The programs that building the native library takes: pip for the download, a C++ compiler for the addon. */
import { NativeError } from '../../errors.ts';
import { type Command, findProgram } from '../run.ts';

const PIPS: readonly Command[] = [
  ['pip3'],
  ['pip'],
  ['python3', '-m', 'pip'],
  ['python', '-m', 'pip'],
];
const COMPILERS: readonly Command[] = [['c++'], ['g++'], ['clang++']];

/** As people call it, and Debian's package. */
const PIP = { what: 'pip', item: 'python3-pip' };
const COMPILER = { what: 'a C++ compiler', item: 'g++' };

export interface Tools {
  readonly pip: Command;
  /** Name of the compiler. */
  readonly compiler: string;
}

/** The tools that there are on the PATH. */
export async function findTools(): Promise<Partial<Tools>> {
  const [pip, compiler] = [await findProgram(PIPS), await findProgram(COMPILERS)];
  return { ...(pip && { pip }), ...(compiler && { compiler: compiler[0] }) };
}

/** @throws {NativeError} when there is no pip, with how to get it */
export async function requirePip(): Promise<Command> {
  const pip = await findProgram(PIPS);
  if (pip === undefined) throw notFound([PIP]);
  return pip;
}

/**
 * Both tools, before a large download that would be in vain.
 * @throws {NativeError} naming what is missing, and how to get it
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
