/** Writes drawn photos into a folder, under names of their own, and never over one of the given photos. */
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { join, parse } from 'node:path';
import { messageOf, SettingsError } from '../../runtime/errors.ts';
import { ImageError } from '../errors.ts';
import { type DrawnFace, drawFaces } from './draw.ts';

const JPEG_EXTENSIONS: ReadonlySet<string> = new Set(['.jpg', '.jpeg', '.jpe', '.jfif']);

export class DrawingFolder {
  readonly #folder: string;
  /** Device and inode: one file may have several names. */
  readonly #photos: ReadonlySet<string>;
  readonly #written = new Set<string>();

  private constructor(folder: string, photos: ReadonlySet<string>) {
    this.#folder = folder;
    this.#photos = photos;
  }

  /**
   * @param photos files that must not be changed
   * @throws {SettingsError} when the folder cannot be created
   */
  static async open(folder: string, photos: readonly string[]): Promise<DrawingFolder> {
    try {
      await mkdir(folder, { recursive: true });
    } catch (cause) {
      throw new SettingsError(
        `--draw ${folder} cannot be a folder (${messageOf(cause)}): name another one.`,
        { cause },
      );
    }
    const ids = await Promise.all(photos.map(fileId));
    return new DrawingFolder(folder, new Set(ids.filter((id) => id !== undefined)));
  }

  /** @throws {ImageError} when the file cannot be written */
  async draw(
    path: string,
    bytes: Uint8Array,
    faces: readonly DrawnFace[],
    orient: boolean,
  ): Promise<void> {
    const format = JPEG_EXTENSIONS.has(parse(path).ext.toLowerCase()) ? 'jpeg' : 'png';
    const target = await this.#targetOf(path, format);
    const drawn = await drawFaces(bytes, faces, { orient, format });
    await writeFile(target, drawn).catch((cause: unknown) => {
      throw new ImageError(`${target} cannot be written: ${messageOf(cause)}.`, { cause });
    });
  }

  /** If two photos have the same name, the second gets a number. */
  async #targetOf(path: string, format: 'jpeg' | 'png'): Promise<string> {
    const { name, ext } = parse(path);
    const ending = format === 'jpeg' ? ext : '.png';
    let target = join(this.#folder, `${name}${ending}`);
    for (let n = 2; this.#written.has(target); n++) {
      target = join(this.#folder, `${name}-${n}${ending}`);
    }
    this.#written.add(target);
    const id = await fileId(target);
    if (id !== undefined && this.#photos.has(id)) {
      throw new ImageError(
        `Drawn into ${this.#folder} it would overwrite a photo: name another folder for --draw.`,
      );
    }
    return target;
  }
}

async function fileId(path: string): Promise<string | undefined> {
  const found = await stat(path, { bigint: true }).catch(() => undefined);
  return found && `${found.dev}:${found.ino}`;
}
