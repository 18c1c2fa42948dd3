/** Why a file's content is refused, before anyone says which file it is. Knows no path. */

/** The reason alone; the reader of files turns it into a `CheckpointError` that names the file. */
export class CheckpointFault extends Error {
  override readonly name = 'CheckpointFault';
}

/** @throws {CheckpointFault} always */
export function refuse(reason: string): never {
  throw new CheckpointFault(reason);
}

const LONGEST_QUOTE = 200;

/** A file's own words in a message: on one line, without control characters, and not endless. */
export function quote(text: string): string {
  return JSON.stringify(text.slice(0, LONGEST_QUOTE));
}
