/** Large files, read piece by piece: their SHA-256, and the entries of zip files. Knows nothing of what they hold. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import yauzl from 'yauzl';

/** @returns the SHA-256 of the file, lower-case hexadecimal */
export async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  return hash.digest('hex');
}

export interface ZipEntry {
  /** Path in the archive; never one that leads out of it. */
  readonly name: string;
  /** Unpacked, as the archive declares it; reading more than that fails. */
  readonly bytes: number;
  readonly stream: () => Promise<Readable>;
  readonly content: () => Promise<Uint8Array>;
}

/**
 * @param zip path or content
 * @throws when it is no whole zip file, or an entry has a path that leads out of it
 */
export async function* zipEntries(zip: string | Uint8Array): AsyncGenerator<ZipEntry> {
  const options = { lazyEntries: true };
  const file =
    typeof zip === 'string'
      ? await yauzl.openPromise(zip, options)
      : await yauzl.fromBufferPromise(Buffer.from(zip.buffer, zip.byteOffset, zip.length), options);
  try {
    for await (const entry of file.eachEntry()) {
      const stream = () => file.openReadStreamPromise(entry);
      yield {
        name: entry.fileName,
        bytes: entry.uncompressedSize,
        stream,
        content: async () => {
          const chunks: Uint8Array[] = [];
          for await (const chunk of await stream()) chunks.push(chunk);
          return Buffer.concat(chunks);
        },
      };
    }
  } finally {
    file.close();
  }
}
