/**
 * Takes TensorFlow's C library from its wheel in the Python package registry. The wheel is used as a zip file:
 * pip downloads it, and none of its Python is run.
 */
import { createWriteStream } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { sha256OfFile, zipEntries } from '../../../runtime/files.ts';
import { NativeError } from '../../errors.ts';
import type { Machine } from '../machine.ts';
import { TENSORFLOW_VERSION } from '../paths.ts';
import { run } from '../run.ts';
import { requirePip } from './tools.ts';

export interface Wheel {
  readonly project: string;
  readonly version: string;
  /** pip's name for the platform. */
  readonly platform: string;
  readonly sha256: string;
}

/** The wheels of CPython 3.12, as published on 2026-03-05; other versions contain the same libraries. */
const WHEELS: Readonly<Record<string, Wheel>> = {
  x64: {
    project: 'tensorflow-cpu',
    version: TENSORFLOW_VERSION,
    platform: 'manylinux_2_27_x86_64',
    sha256: 'dcc8afd32930e42d5296b6ee19078b773706830af4ea97fbe503b9f5e0f820cb',
  },
  arm64: {
    project: 'tensorflow',
    version: TENSORFLOW_VERSION,
    platform: 'manylinux_2_27_aarch64',
    sha256: 'b07d15737406533898e36c7ef7944b1be18e9028dc521b9229952c537bbc5552',
  },
};

/** The glibc of the wheels' platform, manylinux_2_27. */
const OLDEST_GLIBC = [2, 27] as const;

/** The files that are needed: the two libraries, and the headers that the addon includes. */
const WANTED =
  /^tensorflow\/(?:libtensorflow_(?:cc|framework)\.so\.2|include\/(?:tensorflow\/c|tensorflow\/core\/platform|xla\/tsl|tsl)\/.+\.h)$/;

/**
 * The wheel that fits a machine.
 * @throws {NativeError} when no wheel fits, with the reason
 */
export function wheelFor(machine: Machine): Wheel {
  const wheel = WHEELS[machine.arch];
  if (machine.platform !== 'linux' || wheel === undefined) {
    throw new NativeError(`no TensorFlow wheel fits ${machine.platform} on ${machine.arch}`);
  }
  const [major = 0, minor = 0] = (machine.glibc ?? '').split('.').map(Number);
  if (major < OLDEST_GLIBC[0] || (major === OLDEST_GLIBC[0] && minor < OLDEST_GLIBC[1])) {
    throw new NativeError(
      `TensorFlow's library needs glibc ${OLDEST_GLIBC.join('.')}, and this Linux has ${machine.glibc ?? 'none'}`,
    );
  }
  return wheel;
}

/**
 * Downloads the wheel with pip and checks its SHA-256.
 * @returns path of the wheel in `folder`
 */
export async function fetchWheel(wheel: Wheel, folder: string, show: boolean): Promise<string> {
  const [program, ...args] = await requirePip();
  const what = `${wheel.project}==${wheel.version}`;
  await run(
    program,
    [
      ...args,
      'download',
      ...['--no-deps', '--no-cache-dir', '--disable-pip-version-check'],
      ...['--only-binary=:all:', '--implementation', 'cp', '--python-version', '3.12'],
      ...['--platform', wheel.platform, '--dest', folder, what],
    ],
    {
      show,
      env: {
        // On the target's disk, so that an aborted download takes no space elsewhere and is deleted with it.
        TMPDIR: folder,
        // Nothing is installed, so a rule about where pip may install must not stop the download.
        PIP_REQUIRE_VIRTUALENV: '0',
      },
    },
  );
  const name = (await readdir(folder)).find((file) => file.endsWith('.whl'));
  if (name === undefined) throw new NativeError(`pip fetched no wheel of ${what}`);
  const path = join(folder, name);
  const digest = await sha256OfFile(path);
  if (digest !== wheel.sha256) {
    throw new NativeError(
      `${name} has the SHA-256 ${digest}, not ${wheel.sha256}: it is not the published file`,
    );
  }
  return path;
}

/**
 * Extracts the needed files of the wheel into `folder`, with their paths in the wheel, as streams.
 * @throws when the file is not a complete zip, or the disk is full
 */
export async function unpackWheel(path: string, folder: string): Promise<void> {
  for await (const { name, stream } of zipEntries(path)) {
    if (!WANTED.test(name)) continue;
    const target = join(folder, name);
    await mkdir(dirname(target), { recursive: true });
    await pipeline(await stream(), createWriteStream(target));
  }
}
