/** What kind of image an upload is, judged from its bytes alone: a name can say anything. */
import { fileTypeFromBuffer } from 'file-type';
import { refuse } from './errors.ts';

/** The formats that the model decodes. */
const ACCEPTED = new Set([
  'image/jpeg',
  'image/png',
  'image/webp',
  'image/gif',
  'image/tiff',
  'image/avif',
]);
const ACCEPTED_WORDS = 'JPEG, PNG, WebP, GIF, TIFF or AVIF';

/**
 * @returns the media type, e.g. `image/jpeg`
 * @throws {HttpError} 400 when there are no bytes, 415 when they are of no accepted format
 */
export async function checkImageType(bytes: Uint8Array): Promise<string> {
  if (bytes.length === 0) throw refuse.emptyFile();
  const type = await fileTypeFromBuffer(bytes).catch(() => undefined);
  if (type !== undefined && /^image\/hei[cf]/.test(type.mime)) throw refuse.heic(ACCEPTED_WORDS);
  if (type === undefined || !ACCEPTED.has(type.mime)) throw refuse.notAnImage(ACCEPTED_WORDS);
  return type.mime;
}
