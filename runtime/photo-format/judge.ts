/**
 * Whether bytes are a photo that can be read, judged from the bytes alone: a name can say anything. Only
 * formats named in formats.ts reach the decoder, which could also render documents and drawings.
 */
import { Buffer } from 'node:buffer';
import { type PhotoFormat, type Refusal, unreadImage } from './formats.ts';
import { heifKindOf } from './heif.ts';
import { unreadJpegKind } from './jpeg.ts';
import { unreadTiffKind } from './tiff.ts';

export type Judgement =
  | { readonly format: PhotoFormat; readonly refusal?: undefined }
  | { readonly format?: undefined; readonly refusal: Refusal };

/** The format of an image file's first bytes, or undefined if it is not an accepted one. */
export function photoFormatOf(bytes: Uint8Array): PhotoFormat | undefined {
  const head = Buffer.from(bytes.subarray(0, 12)).toString('latin1');
  if (head.startsWith('\xff\xd8\xff')) return 'JPEG';
  if (head.startsWith('\x89PNG\r\n\x1a\n')) return 'PNG';
  if (head.startsWith('GIF87a') || head.startsWith('GIF89a')) return 'GIF';
  if (head.startsWith('RIFF') && head.endsWith('WEBP')) return 'WebP';
  if (/^(?:II[*+]\0|MM\0[*+])/.test(head)) return 'TIFF';
  if (head.startsWith('BM') && isBmp(bytes)) return 'BMP';
  const kind = heifKindOf(bytes);
  return kind === 'other HEIF' ? undefined : kind;
}

/** @param bytes at least one */
export async function judgePhoto(bytes: Uint8Array): Promise<Judgement> {
  const format = photoFormatOf(bytes);
  const unread = format === undefined ? undefined : unreadKind(format, bytes);
  if (unread !== undefined) return { refusal: unreadImage(unread) };
  if (format !== undefined) return { format };
  if (heifKindOf(bytes) !== undefined)
    return { refusal: unreadImage('HEIF images of this coding') };
  // Loaded only where something is refused.
  const { nameOther } = await import('./other.ts');
  return { refusal: await nameOther(bytes) };
}

function unreadKind(format: PhotoFormat, bytes: Uint8Array): string | undefined {
  if (format === 'JPEG') return unreadJpegKind(bytes);
  return format === 'TIFF' ? unreadTiffKind(bytes) : undefined;
}

/** Two letters are little proof: the length of the header must be one that there is. */
function isBmp(bytes: Uint8Array): boolean {
  if (bytes.length < 26) return false;
  const length = Buffer.from(bytes.subarray(14, 18)).readUInt32LE();
  return [12, 16, 40, 52, 56, 64, 108, 124].includes(length);
}
