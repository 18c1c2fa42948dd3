/** What kind of image an upload is, judged from its bytes alone: a name can say anything. */
import { PHOTO_FORMATS } from '../../runtime/photo-format/formats.ts';
import { judgePhoto } from '../../runtime/photo-format/judge.ts';
import { httpError } from '../errors.ts';

/**
 * @returns the media type, e.g. `image/jpeg`
 * @throws {HttpError} 400 when there are no bytes, 415 when they are of no accepted format
 */
export async function checkImageType(bytes: Uint8Array): Promise<string> {
  if (bytes.length === 0) throw httpError.emptyFile();
  const { format, refusal } = await judgePhoto(bytes);
  if (format !== undefined) return PHOTO_FORMATS[format].mediaType;
  throw refusal.isImage
    ? httpError.unreadFormat(refusal.sentence)
    : httpError.notAnImage(refusal.sentence);
}
