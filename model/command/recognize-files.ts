/** Recognises photos one after the other and prints their results. */
import { readFile } from 'node:fs/promises';
import { ElasticFaceError } from '../../runtime/errors.ts';
import { readSettings } from '../../runtime/settings.ts';
import { ImageError } from '../errors.ts';
import { loadRecognizer } from '../load-recognizer.ts';
import type { Recognition, Recognizer } from '../recognition.ts';
import { DrawingFolder } from './drawing-folder.ts';
import { Output } from './output.ts';
import { type NamedPhoto, photoFiles, unreadable } from './photo-files.ts';
import { jsonErrorLine, jsonLine, plainLines, type ReportOptions } from './report.ts';

export interface RecognizeFilesOptions extends ReportOptions {
  /** Photos, or folders of photos. */
  readonly files: readonly string[];
  readonly json: boolean;
  readonly top: number;
  readonly orient: boolean;
  readonly backend: string | undefined;
  readonly precision: string | undefined;
  readonly threads: number | undefined;
  readonly model: string | undefined;
  /** Folder for the photos with their faces drawn. */
  readonly draw: string | undefined;
}

/**
 * @returns number of photos that failed
 * @throws {ModelError} {BackendError} {SettingsError} when no photo could be tried
 */
export async function recognizeFiles(given: RecognizeFilesOptions): Promise<number> {
  const settings = readSettings({
    MODEL_DIR: given.model,
    BACKEND: given.backend,
    PRECISION: given.precision,
    THREADS: given.threads,
  });
  const named = await photoFiles(given.files);
  const paths = named.map(({ path }) => path);
  const drawings =
    given.draw === undefined ? undefined : await DrawingFolder.open(given.draw, paths);
  const recognizer = await loadRecognizer(settings.MODEL_DIR, {
    backend: settings.BACKEND,
    precision: settings.PRECISION,
    threads: settings.THREADS,
    onFallback: (reason) => process.stderr.write(`${reason}\n`),
  });
  const { precision, precisionReason } = recognizer;
  const output = new Output(named.length);
  let failed = 0;
  try {
    for (const photo of named) {
      try {
        const recognition = await recognizeFile(recognizer, photo, given, drawings);
        if (given.json)
          output.answer(
            jsonLine(photo.path, recognition, { ...given, precision, precisionReason }),
          );
        else for (const line of plainLines(photo.path, recognition, given)) output.answer(line);
      } catch (error) {
        if (!(error instanceof ElasticFaceError)) throw error;
        failed++;
        if (given.json) output.answer(jsonErrorLine(photo.path, error.message));
        else output.failure(`${photo.path}: ${error.message}`);
      }
      output.advance();
    }
  } finally {
    output.end();
    recognizer.dispose();
  }
  return failed;
}

async function recognizeFile(
  recognizer: Recognizer,
  photo: NamedPhoto,
  { top, allFaces, orient }: RecognizeFilesOptions,
  drawings: DrawingFolder | undefined,
): Promise<Recognition> {
  if ('error' in photo) throw photo.error;
  const bytes = await readFile(photo.path).catch((cause: unknown) => {
    throw unreadable(cause);
  });
  const recognition = await recognizer.recognize(bytes, { top, allFaces, orient });
  if (recognition.faces.length === 0) throw new ImageError('No face was found in the image.');
  await drawings?.draw(photo.path, bytes, recognition.faces, orient);
  return recognition;
}
