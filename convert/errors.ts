/** What can go wrong between checkpoint files and a converted model, and why a file’s content is refused. */
import { errorClass } from '../runtime/errors.ts';

/** A checkpoint, gallery or photo file is missing, damaged, foreign or hostile; the message names it. */
export class CheckpointError extends errorClass('checkpoint') {}

/** The converted model does not answer as PyTorch does: the self-test has refused it. */
export class SelfTestError extends errorClass('self-test') {}

/** The output folder cannot be used. */
export class OutputError extends errorClass('output') {}

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
