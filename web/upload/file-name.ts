/** Reads the name of an upload, and says what to do about one that is not taken. */
import {
  MOST_FILE_NAME_UNITS,
  type NameFault,
  readFileName,
} from '../../cloud/contract/file-names.ts';
import { httpError } from '../errors.ts';

/**
 * @param given as the client sent it, folders and all
 * @returns the name as key and answer have it
 * @throws {HttpError} 400 that says what is wrong with it and what to do
 */
export function checkFileName(given: string): string {
  const name = readFileName(given);
  if (typeof name === 'string') return name;
  throw httpError.badFileName(sentenceOf(name));
}

function sentenceOf(fault: NameFault): string {
  switch (fault.kind) {
    case 'empty':
      return 'The file name has no letter before its ending: name the photo, e.g. photo.jpg.';
    case 'colon':
      return "The file name has ':' before its ending, where the answer <stem>:<name> is split: rename the photo, e.g. with '_' in its place.";
    case 'long':
      return `The file name is longer than ${MOST_FILE_NAME_UNITS} characters: shorten it.`;
    case 'control':
      return `The file name has the control character ${codeOf(fault.character)}, which does not fit into one line: rename the photo.`;
    case 'direction':
      return `The file name has the character ${codeOf(fault.character)}, which turns the direction of writing: rename the photo.`;
  }
}

/** `U+202E`. */
function codeOf(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
}
