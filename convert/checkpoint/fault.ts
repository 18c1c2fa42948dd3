/** Why a file's content is refused, before anyone says which file it is. Knows no path. */

/** The reason alone; the reader of files turns it into a `CheckpointError` that names the file. */
export class CheckpointFault extends Error {
  override readonly name = 'CheckpointFault';
}

/** @throws {CheckpointFault} always */
export function refuse(reason: string): never {
  throw new CheckpointFault(reason);
}
