/** Checks one uploaded photo: its file name, and its image format, judged from its bytes. */
import {
  MOST_FILE_NAME_UNITS,
  type NameFault,
  ownFileName,
  readFileName,
} from '../../cloud/contract/file-names.ts';
import { PHOTO_FORMATS } from '../../runtime/photo-format/formats.ts';
import { judgePhoto } from '../../runtime/photo-format/judge.ts';
import { httpError } from '../errors.ts';

export interface Upload {
  readonly file: string;
  readonly bytes: Buffer;
  /** Media type judged from the bytes. */
  readonly type: string;
}

/** A file as the client sent it. */
export interface RawPhoto {
  /** The name the client sent, with its folders; undefined if it sent none. */
  readonly file: string | undefined;
  readonly bytes: Buffer;
}

/** A photo with a valid name and format. */
export interface CheckedPhoto extends Omit<Upload, 'file'> {
  /** Undefined if the client sent no name. */
  readonly file: string | undefined;
}

/** @throws {HttpError} if its name or its format is not accepted */
export async function checkPhoto({ file, bytes }: RawPhoto): Promise<CheckedPhoto> {
  const name = file === undefined ? undefined : checkFileName(file);
  return { file: name, bytes, type: await checkImageType(bytes) };
}

/** Gives a photo without a name one made from its id. */
export function named({ file, ...photo }: CheckedPhoto, id: string): Upload {
  return { ...photo, file: file ?? ownFileName(id) };
}

/**
 * @param given the name the client sent, with its folders
 * @returns the name used in the object key and in the answer
 * @throws {HttpError} 400 that says what is wrong with it and what to do
 */
function checkFileName(given: string): string {
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

/**
 * @returns the media type, e.g. `image/jpeg`
 * @throws {HttpError} 400 for a file without bytes, 415 for one in no accepted format
 */
async function checkImageType(bytes: Uint8Array): Promise<string> {
  if (bytes.length === 0) throw httpError.emptyFile();
  const { format, refusal } = await judgePhoto(bytes);
  if (format !== undefined) return PHOTO_FORMATS[format].mediaType;
  throw refusal.isImage
    ? httpError.unreadFormat(refusal.sentence)
    : httpError.notAnImage(refusal.sentence);
}
