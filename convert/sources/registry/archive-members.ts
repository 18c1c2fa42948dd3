/** Single files out of a package's archive, into memory and bounded. Writes nothing, knows no registry. */
import { list } from 'tar';
import { zipEntries } from '../../../runtime/files.ts';
import { CheckpointError } from '../../errors.ts';

/** Bytes of each wanted file by its path in the archive. */
export type WantedMembers = ReadonlyMap<string, number>;

/**
 * @param archive path of a zip file (`.whl`) or of a gzipped tar archive
 * @returns the content of each wanted file
 * @throws {CheckpointError} when the archive is damaged, or a file is missing or has another size
 */
export async function readMembers(
  archive: string,
  wanted: WantedMembers,
): Promise<Map<string, Uint8Array>> {
  const read = archive.endsWith('.whl') ? readZip : readTar;
  const found = await read(archive, wanted).catch((cause: unknown) => {
    throw new CheckpointError(`${archive} is damaged: ${String(cause)}`, { cause });
  });
  for (const [path, bytes] of wanted) {
    if (!found.has(path)) {
      throw new CheckpointError(`${archive} has no ${path} of ${bytes} bytes.`);
    }
  }
  return found;
}

async function readZip(archive: string, wanted: WantedMembers): Promise<Map<string, Uint8Array>> {
  const found = new Map<string, Uint8Array>();
  for await (const { name, bytes, content } of zipEntries(archive)) {
    if (wanted.get(name) === bytes) found.set(name, await content());
  }
  return found;
}

async function readTar(archive: string, wanted: WantedMembers): Promise<Map<string, Uint8Array>> {
  const found = new Map<string, Uint8Array>();
  await list({
    file: archive,
    strict: true,
    filter: (path, entry) =>
      'type' in entry && entry.type === 'File' && wanted.get(path) === entry.size,
    onReadEntry: (entry) => {
      const chunks: Buffer[] = [];
      entry.on('data', (chunk) => chunks.push(chunk));
      entry.on('end', () => found.set(entry.path, Buffer.concat(chunks)));
    },
  });
  return found;
}
