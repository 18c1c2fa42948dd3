/** Draws faces on their photo: boxes, landmarks and names. */
import { fileURLToPath } from 'node:url';
import sharp, { type OverlayOptions } from 'sharp';
import { decodeImage } from '../decode/decode.ts';
import type { Face } from '../recognition.ts';

/** Bundled, because on a machine without fonts text is drawn as nothing. */
const FONT_FILE = fileURLToPath(import.meta.resolve('dejavu-fonts-ttf/ttf/DejaVuSans-Bold.ttf'));
const FONT = 'DejaVu Sans Bold';
const COLOUR = '#00e676';
/** Colour around lines, so that they are visible on any background. */
const EDGE = '#000';

/** px: on a face 64 px wide, smaller letters cannot be read. */
const LEAST_LETTERS = 9;

export type DrawnFace = Pick<Face, 'box' | 'landmarks'> & {
  readonly nearest: readonly Pick<Face['nearest'][number], 'name' | 'distance'>[];
};

export interface DrawOptions {
  /** As the photo was recognised. */
  readonly orient: boolean;
  readonly format: 'jpeg' | 'png';
}

/** @throws {ImageError} when the bytes are not a complete image of a supported format */
export async function drawFaces(
  bytes: Uint8Array,
  faces: readonly DrawnFace[],
  { orient, format }: DrawOptions,
): Promise<Buffer> {
  const { width, height, data } = await decodeImage(bytes, { orient });
  const photo = { width, height };
  const shapes = faces.map((face) => shapesOf(face, photo)).join('');
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${shapes}</svg>`;
  const labels = await Promise.all(faces.map((face) => labelOf(face, photo)));
  const drawn = sharp(data, { raw: { ...photo, channels: 3 } }).composite([
    { input: Buffer.from(svg) },
    ...labels.filter((label) => label !== undefined),
  ]);
  return format === 'png'
    ? drawn.png().toBuffer()
    : drawn.jpeg({ quality: 92, chromaSubsampling: '4:4:4' }).toBuffer();
}

interface Size {
  readonly width: number;
  readonly height: number;
}

/** px: visible at the size of a screen, and not covering a small face. */
function lineWidth({ box: [x1, y1, x2, y2] }: DrawnFace, { width, height }: Size): number {
  const face = Math.min(x2 - x1, y2 - y1);
  return Math.max(1, Math.round(Math.min(Math.max(width, height) / 300, face / 25)));
}

function shapesOf(face: DrawnFace, photo: Size): string {
  const line = lineWidth(face, photo);
  // On whole pixels: between two of them a thin line turns grey.
  const whole = (edge: number): number => Math.round(edge) + (line % 2) / 2;
  const [x1, y1, x2, y2] = face.box;
  const size = `width="${whole(x2) - whole(x1)}" height="${whole(y2) - whole(y1)}"`;
  const rect = `x="${whole(x1)}" y="${whole(y1)}" ${size} fill="none"`;
  const points = face.landmarks.map(
    ([x, y]) =>
      `<circle cx="${x}" cy="${y}" r="${line * 1.5}" fill="${COLOUR}" stroke="${EDGE}" stroke-width="${line / 2}"/>`,
  );
  return (
    `<rect ${rect} stroke="${EDGE}" stroke-opacity="0.5" stroke-width="${line * 2}"/>` +
    `<rect ${rect} stroke="${COLOUR}" stroke-width="${line}"/>${points.join('')}`
  );
}

/** The nearest name above its box, or inside it if there is no space above. */
async function labelOf(face: DrawnFace, photo: Size): Promise<OverlayOptions | undefined> {
  const name = face.nearest[0]?.name.replace(/\p{C}+/gu, ' ').trim();
  if (!name) return undefined;
  const [x1, y1] = face.box;
  const line = lineWidth(face, photo);
  const { data, info } = await textImage(name, letterHeight(face, photo), line, photo);
  const above = y1 - line - info.height;
  return {
    input: data,
    left: clampRounded(x1 - line, photo.width - info.width),
    top: clampRounded(above >= 0 ? above : y1 + line, photo.height - info.height),
  };
}

function letterHeight({ box: [x1, , x2] }: DrawnFace, { width, height }: Size): number {
  return Math.round(Math.max(LEAST_LETTERS, Math.min(Math.max(width, height) / 35, (x2 - x1) / 4)));
}

/** Dark letters on the colour of the box, never larger than the photo. */
async function textImage(name: string, letters: number, margin: number, photo: Size) {
  const text = `<span foreground="black">${escapeMarkup(name)}</span>`;
  const written = await sharp({
    // With 72 dots per inch, a point is a pixel.
    text: { text, font: `${FONT} ${letters}`, fontfile: FONT_FILE, rgba: true, dpi: 72 },
  })
    .png()
    .toBuffer();
  const padded = await sharp(written)
    .extend({
      ...{ top: margin, bottom: margin, left: margin * 2, right: margin * 2 },
      background: COLOUR,
    })
    .flatten({ background: COLOUR })
    .png()
    .toBuffer();
  return sharp(padded)
    .resize({ ...photo, fit: 'inside', withoutEnlargement: true })
    .png()
    .toBuffer({ resolveWithObject: true });
}

/** Pango reads the text as markup. */
function escapeMarkup(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function clampRounded(value: number, most: number): number {
  return Math.round(Math.min(Math.max(0, value), Math.max(0, most)));
}
