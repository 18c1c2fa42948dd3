/**
 * People to recognise where the course's gallery cannot be had: portraits in the public domain, and other
 * photos of the same people to try the system with. Where they come from: docs/model-data.md.
 */
import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type FindFilesOptions, findFiles, usualPlaces } from './find-files.ts';
import { type PublishedFile, packagedFile } from './published-files.ts';
import { type RegistryPackage, registryPackages } from './registry/packages.ts';

interface Portrait {
  readonly person: string;
  /** Not in the gallery. */
  readonly heldBack: boolean;
  readonly file: PublishedFile;
}

function portrait(
  person: string,
  name: string,
  [from, member]: readonly [RegistryPackage, string],
  [bytes, sha256]: readonly [number, string],
  heldBack = false,
): Portrait {
  const file = packagedFile(name, 'portraits', { from, member }, bytes, sha256);
  return { person, heldBack, file };
}

const { faceRecognition, matplotlib, scikitImage } = registryPackages;
const testImage = (name: string) =>
  [faceRecognition, `face_recognition-1.3.0/tests/test_images/${name}`] as const;

/** All are works of the United States' government, which have no copyright. */
export const portraits: readonly Portrait[] = [
  portrait('Barack Obama', 'obama.jpg', testImage('obama.jpg'), [
    279_922,
    '0930e3aa8cae5920329c0c8cbc6a2ab70f47b0e67b432875beaa95cbf7e741f6',
  ]),
  portrait(
    'Barack Obama',
    'obama2.jpg',
    testImage('obama2.jpg'),
    [184_455, 'a7efcc907375274796f39646510704aa86672d59f6d5469d69af3c85590976a6'],
    true,
  ),
  portrait(
    'Barack Obama',
    'obama3.jpg',
    testImage('obama3.jpg'),
    [595_944, '76ac6bf97c36dc2da0ad16a537d6a5ac1b10f48d49aac29a0cca9a17cdbc3ca3'],
    true,
  ),
  portrait('Joe Biden', 'biden.jpg', testImage('biden.jpg'), [
    353_723,
    '3c17508bb91554c637a2eabddfae790e5bb1caba93130814fc2ac50be9760c4c',
  ]),
  portrait(
    'Grace Hopper',
    'grace_hopper.jpg',
    [matplotlib, 'matplotlib/mpl-data/sample_data/grace_hopper.jpg'],
    [61_306, 'a8ca6d734765703b09728ab47fe59f473d93ae3967fc24c7c0288c3c7adb7130'],
  ),
  portrait(
    'Eileen Collins',
    'astronaut.png',
    [scikitImage, 'skimage/data/astronaut.png'],
    [791_555, '88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5'],
  ),
];

export interface Portraits {
  /** A folder with one sub-folder of photos a person, without the held-back photos. */
  readonly gallery: string;
  /** The folder with every photo, each by its name. */
  readonly photos: string;
}

/**
 * Finds the portraits in the user's cache, or fetches them into it.
 * @throws {MissingFilesError} when one is not there and cannot be fetched
 */
export async function findPortraits(options: FindFilesOptions = {}): Promise<Portraits> {
  const places = options.places ?? usualPlaces;
  const { cache } = places;
  const files = Object.fromEntries(portraits.map(({ file }) => [file.names[0], file]));
  const paths = await findFiles(files, {
    ...options,
    // A folder of photos is not where a person keeps checkpoints.
    named: undefined,
    places: { ...places, shared: cache },
  });
  const arranged = portraitFolders(cache);
  await arrange(paths, arranged);
  return arranged;
}

/** Where the portraits of a cache are once they have been found. Named by what they are. */
export function portraitFolders(cache: string): Portraits & { readonly folder: string } {
  const digest = createHash('sha256').update(JSON.stringify(portraits)).digest('hex').slice(0, 16);
  const folder = join(cache, `portraits-${digest}`);
  return { folder, gallery: join(folder, 'gallery'), photos: join(folder, 'photos') };
}

async function arrange(
  paths: Readonly<Record<string, string>>,
  { folder }: ReturnType<typeof portraitFolders>,
): Promise<void> {
  if (existsSync(folder)) return;
  const fresh = `${folder}.${randomUUID()}.part`;
  try {
    for (const { person, heldBack, file } of portraits) {
      const [name] = file.names;
      const folders = heldBack ? ['photos'] : ['photos', join('gallery', person)];
      for (const each of folders) {
        await mkdir(join(fresh, each), { recursive: true });
        await copyFile(paths[name] as string, join(fresh, each, name));
      }
    }
    await rename(fresh, folder).catch(unlessAlreadyThere);
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

/** Another process may have arranged the same photos meanwhile. */
function unlessAlreadyThere(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
}
