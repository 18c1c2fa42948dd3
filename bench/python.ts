/**
 * A Python for the benches' peers, in the user's cache and made when first asked for: production has no
 * Python. Knows no bench; a bench that cannot have one leaves its Python parties out, and says so.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { messageOf } from '../runtime/errors.ts';
import { folders } from '../runtime/folders.ts';
import { BenchError } from './errors.ts';

const run = promisify(execFile);

/** pip's own output is kept for the error only. */
const MOST_OUTPUT_BYTES = 64 * 1024 * 1024;
const PYTHON = process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python';

export interface PythonParty {
  /** For pip, pinned: `torch==2.15.0`. */
  readonly packages: readonly string[];
  /** Installed after those and without what they ask for, e.g. one that pins an old torch. */
  readonly alone?: readonly string[];
  /** A script that the new Python runs after that. */
  readonly finish?: string;
  /** Modules that must load in the end. */
  readonly modules: readonly string[];
  /** A Python that has them already; nothing is installed then. */
  readonly python?: string | undefined;
}

/** What torch imports; not what its CUDA half asks for. */
const TORCH_NEEDS = ['typing-extensions', 'sympy', 'filelock', 'networkx', 'jinja2', 'fsspec'];
const TORCH = ['torch==2.15.0', 'torchvision==0.29.2'];
/** The one library of CUDA that is called when torch loads; 8 MB. */
const CUDA_RUNTIME = 'nvidia-cuda-runtime==13.5.37';
const IMAGES = ['pillow==13.0.0', 'numpy==2.4.6', 'requests', 'tqdm'];
/** Where the registry's torch brings CUDA's libraries, 4 GB, and does not load without them. */
const bringsCuda = process.platform === 'linux' && process.arch === 'x64';

/** PyTorch and facenet-pytorch as peers of this project, on the processor alone. */
export const FACENET: PythonParty = bringsCuda
  ? {
      packages: [...TORCH_NEEDS, ...IMAGES],
      alone: [...TORCH, CUDA_RUNTIME, 'facenet-pytorch==2.6.0'],
      finish: join(import.meta.dirname, 'without_cuda.py'),
      modules: ['torch', 'torchvision', 'facenet_pytorch'],
    }
  : {
      packages: [...TORCH, ...IMAGES],
      alone: ['facenet-pytorch==2.6.0'],
      modules: ['torch', 'torchvision', 'facenet_pytorch'],
    };

/** Several needs in one. */
export function joined(...parties: readonly PythonParty[]): PythonParty {
  const finish = parties.find((party) => party.finish !== undefined)?.finish;
  return {
    packages: parties.flatMap(({ packages }) => packages),
    alone: parties.flatMap(({ alone = [] }) => alone),
    ...(finish !== undefined && { finish }),
    modules: parties.flatMap(({ modules }) => modules),
    python: parties.find(({ python }) => python !== undefined)?.python,
  };
}

/**
 * @param say told before an installation, which takes minutes
 * @returns the path of a Python that loads every module
 * @throws {BenchError} when no Python is found and none can be set up, with the reason
 */
export async function openPython(
  { packages, alone = [], finish, modules, python }: PythonParty,
  say: (words: string) => void,
): Promise<string> {
  if (python !== undefined) {
    await requireModules(python, modules);
    return python;
  }
  const folder = join(folders.cache, 'bench-python');
  const own = join(folder, PYTHON);
  const wanted = JSON.stringify([packages, alone]);
  const mark = join(
    folder,
    `has-${createHash('sha256').update(wanted).digest('hex').slice(0, 12)}`,
  );
  if (existsSync(mark)) return own;
  say(`Installing ${[...packages, ...alone].join(', ')} into ${folder}, once…`);
  try {
    await mkdir(folder, { recursive: true });
    if (!existsSync(own)) await run('python3', ['-m', 'venv', folder]);
    const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check'];
    await run(own, [...install, ...packages], { maxBuffer: MOST_OUTPUT_BYTES });
    if (alone.length > 0) {
      await run(own, [...install, '--no-deps', ...alone], { maxBuffer: MOST_OUTPUT_BYTES });
    }
    if (finish !== undefined) await run(own, [finish]);
  } catch (cause) {
    throw new BenchError(`A Python with ${modules.join(', ')} cannot be made: ${lastLine(cause)}`, {
      cause,
    });
  }
  await requireModules(own, modules);
  await writeFile(mark, wanted);
  return own;
}

async function requireModules(python: string, modules: readonly string[]): Promise<void> {
  try {
    await run(python, ['-c', `import ${modules.join(', ')}`]);
  } catch (cause) {
    throw new BenchError(`${python} does not load ${modules.join(', ')}: ${lastLine(cause)}`, {
      cause,
    });
  }
}

/** Python says last what went wrong. */
function lastLine(error: unknown): string {
  const said = (error as { stderr?: string }).stderr?.trim();
  return (said === undefined || said === '' ? messageOf(error) : said).split('\n').at(-1) ?? '';
}
