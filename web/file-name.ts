/**
 * Which file names are taken in. The name becomes an S3 key and a part of the one-line answer, so the
 * rule is a short list of what is allowed, not a list of what is not.
 */
import { refuse } from './errors.ts';

const MOST_LETTERS = 200;
const ALLOWED = /^[A-Za-z0-9_](?:[A-Za-z0-9 ._()+@=-]*[A-Za-z0-9._()+@=-])?$/;

/**
 * @param name as the client sent it, path parts and all
 * @throws {HttpError} 400 with the rule that was broken
 */
export function checkFileName(name: string | undefined): string {
  if (name === undefined || name === '') {
    throw refuse.badFileName('The photo has no file name: name it, e.g. test_00.jpg.');
  }
  if (name.length > MOST_LETTERS) {
    throw refuse.badFileName(
      `The file name has ${name.length} letters: the limit is ${MOST_LETTERS}.`,
    );
  }
  if (!ALLOWED.test(name)) {
    throw refuse.badFileName(
      'The file name must begin with a letter, digit or underscore and hold only ASCII letters, digits, spaces and . _ - ( ) + @ =',
    );
  }
  return name;
}
