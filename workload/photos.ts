/**
 * The photos that a run posts, found in a folder, and the right names from a CSV with the columns Image and
 * Results, by which an answer is judged. Knows nothing of HTTP or of image formats.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readFileName } from '../cloud/contract/file-names.ts';
import { stemOf } from '../cloud/contract/names.ts';
import { messageOf } from '../runtime/errors.ts';
import { WorkloadError } from './errors.ts';

export interface ImageFile {
  readonly path: string;
  /** The file name as posted. */
  readonly name: string;
  /** What the answer begins with: see `contractStem`. */
  readonly stem: string;
}

/**
 * Every file of the folder by name, without subfolders and hidden files (`.DS_Store` is no photo).
 * @throws {WorkloadError} when the folder cannot be read or has no file.
 */
export async function listImages(folder: string): Promise<ImageFile[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause: unknown) => {
    throw new WorkloadError(
      `--image_folder ${folder} cannot be read (${messageOf(cause)}). Give a folder of photos.`,
      { cause },
    );
  });
  const images = entries
    .filter((entry) => !entry.isDirectory() && !entry.name.startsWith('.'))
    .map(({ name }) => ({ path: join(folder, name), name, stem: contractStem(name) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  if (images.length === 0) {
    throw new WorkloadError(`--image_folder ${folder} contains no files. Give a folder of photos.`);
  }
  return images;
}

/**
 * The file name without its last extension, as the web tier writes it: composed letters, even where the
 * file system has decomposed ones.
 */
export function contractStem(fileName: string): string {
  const name = readFileName(fileName);
  return stemOf(typeof name === 'string' ? name : fileName); // One that is refused has no answer.
}

/** Right names by image; an image is named by its stem or by its whole file name. */
export type Predictions = ReadonlyMap<string, string>;

/** What an answer is worth; `unjudged` where nothing says which name is right. */
export type Verdict =
  | { readonly verdict: 'correct' | 'unjudged' }
  | { readonly verdict: 'wrong'; readonly why: string };

/** @throws {WorkloadError} when the file cannot be read or lacks a column. */
export async function readPredictions(path: string): Promise<Predictions> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new WorkloadError(
      `--prediction_file ${path} cannot be read (${messageOf(cause)}). Give a CSV file with the columns Image,Results.`,
      { cause },
    );
  });
  return parsePredictions(text, path);
}

/**
 * Of two rows for one image the first counts, as in the course's generator.
 * @throws {WorkloadError} when a column is missing, there is no row, or a row lacks its name.
 */
export function parsePredictions(text: string, path: string): Predictions {
  const [header = [], ...rows] = parseCsv(text);
  const columns = header.map((cell) => cell.trim());
  const image = columns.indexOf('Image');
  const results = columns.indexOf('Results');
  if (image < 0 || results < 0) {
    throw new WorkloadError(
      `--prediction_file ${path} must have the columns Image and Results (its first line is '${columns.join(',')}').`,
    );
  }
  const predictions = new Map<string, string>();
  for (const row of rows) {
    const key = row[image]?.trim().normalize('NFC') ?? '';
    const name = row[results]?.trim() ?? '';
    if (key === '' || name === '') {
      throw new WorkloadError(
        `--prediction_file ${path} has a row without an image or a result: '${row.join(',')}'.`,
      );
    }
    if (!predictions.has(key)) predictions.set(key, name);
  }
  if (predictions.size === 0) {
    throw new WorkloadError(`--prediction_file ${path} has no row below its header.`);
  }
  return predictions;
}

/** The right name of a photo; undefined when the file does not say. */
function expectedName(predictions: Predictions, image: ImageFile): string | undefined {
  return predictions.get(image.stem) ?? predictions.get(image.name.normalize('NFC'));
}

/** Refuses, before anything is sent, a run whose answers could not all be judged. */
export function requirePredictions(predictions: Predictions, images: readonly ImageFile[]): void {
  const missing = images.filter((image) => expectedName(predictions, image) === undefined);
  if (missing.length === 0) return;
  const first = missing.slice(0, 3).map(({ stem }) => stem);
  throw new WorkloadError(
    `--prediction_file has no row for ${missing.length} of ${images.length} images of --image_folder (${first.join(', ')}${missing.length > 3 ? ', …' : ''}): the two must match.`,
  );
}

/**
 * Judges the body of a 200. An answer that is not `<stem>:<name>` for this very file is wrong even
 * when the CSV does not say which name is right: it is another photo's, or none.
 */
export function judge(image: ImageFile, answer: string, predictions?: Predictions): Verdict {
  const text = answer.trim();
  const name = text.startsWith(`${image.stem}:`) ? text.slice(image.stem.length + 1).trim() : '';
  if (name === '') {
    return { verdict: 'wrong', why: `not <stem>:<name> of its file, but '${shorten(text)}'` };
  }
  if (predictions === undefined) return { verdict: 'unjudged' };
  const expected = expectedName(predictions, image);
  if (name === expected) return { verdict: 'correct' };
  return { verdict: 'wrong', why: `expected ${expected ?? 'nobody'}, got ${shorten(name)}` };
}

/** One line, at most `most` characters: a failure's text may be a whole page. */
export function shorten(text: string, most = 160): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length > most ? `${line.slice(0, most - 1)}…` : line;
}

/** Rows of cells by RFC 4180 (quotes, doubled quotes, either line end); blank lines are left out. */
export function parseCsv(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  // A cell and what ends it: quoted text or plain text, then a comma, a line end or the end.
  const cells = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|\n|\r|$)/gy;
  const source = text.replace(/^\uFEFF/, '');
  while (cells.lastIndex < source.length) {
    const at = cells.lastIndex;
    const match = cells.exec(source);
    if (match === null) {
      throw new WorkloadError(
        `--prediction_file has an unbalanced quote near '${shorten(source.slice(at), 40)}'.`,
      );
    }
    const [, quoted, plain = '', end] = match;
    row.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end === ',' && cells.lastIndex < source.length) continue;
    if (end === ',') row.push('');
    if (row.length > 1 || row[0] !== '') rows.push(row);
    row = [];
  }
  return rows;
}
