/** What a text is that came in place of a photo: mostly a download or a request that went wrong. */
import { Buffer } from 'node:buffer';

export interface NamedText {
  readonly what: string;
  readonly advice?: string;
}

const WEB_PAGE: NamedText = {
  what: 'a web page (HTML), not a photo',
  advice: 'download the photo itself, then send it',
};
const BYTES_ORDER_MARK = '\ufeff';

/** @param head the first bytes of a file; undefined when they are no text */
export function nameText(head: Uint8Array): NamedText | 'SVG' | undefined {
  const text = decode(head)?.trimStart();
  if (text === undefined) return undefined;
  const element = firstElement(text);
  if (/^<svg\b/i.test(element)) return 'SVG';
  if (/^<(?:!doctype html|html|head|body|title|meta|script)\b/i.test(element)) return WEB_PAGE;
  if (text.startsWith('<?xml')) {
    return { what: 'an XML document, not a photo', advice: 'send the photo itself' };
  }
  if (text.startsWith('data:')) {
    return {
      what: 'a photo written as text (a data URL)',
      advice: 'decode it, then send the bytes',
    };
  }
  if (/^(?:\/9j\/|iVBORw0KGgo|R0lGOD|UklGR)/.test(text)) {
    return { what: 'a photo written as text (base64)', advice: 'decode it, then send the bytes' };
  }
  if (/^[[{]\s*["{[\]}\d-]/.test(text)) {
    return { what: 'JSON, not a photo', advice: 'send the bytes of the photo itself' };
  }
  return { what: 'a text, not a photo' };
}

function decode(head: Uint8Array): string | undefined {
  const bytes = Buffer.from(head);
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return bytes.subarray(2).toString('utf16le');
  // The last letter may be cut.
  const text = bytes.toString('utf8').replace(BYTES_ORDER_MARK, '');
  const strange = [...text.slice(0, -4)].some((letter) => letter === '\ufffd' || isControl(letter));
  return strange ? undefined : text;
}

function isControl(letter: string): boolean {
  const code = letter.charCodeAt(0);
  return code < 0x20 && !(code >= 0x09 && code <= 0x0d) && code !== 0x1b;
}

/** Behind declarations and comments. An SVG may have many of them before it. */
function firstElement(text: string): string {
  let left = text;
  for (;;) {
    const end = /^<\?/.test(left) ? '?>' : left.startsWith('<!--') ? '-->' : undefined;
    const isDoctype = /^<!doctype svg/i.test(left);
    if (end === undefined && !isDoctype) return left;
    const at = left.indexOf(end ?? '>');
    if (at < 0) return '';
    left = left.slice(at + (end ?? '>').length).trimStart();
  }
}
