/** Roots of baked machines for the tests that boot them: made once for each state of the source, and kept. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { modelDirectory } from '../../test/model.fixture.ts';
import {
  type Architecture,
  bringSource,
  checkoutFiles,
  makeRoot,
  whyNoRoot,
} from '../bake/root.fixture.ts';

export type Role = 'worker' | 'web';

/** Keeps the plain Debian and the baked roots: about 3 GB for each role. */
export const BOOT_FOLDER = process.env.BOOT_FOLDER ?? '/var/tmp/elastic-face-boot';
const PROJECT = join(import.meta.dirname, '../..');
/** What a cloud's Debian image has beyond the smallest one. */
const MACHINE_PACKAGES = [
  ...['ca-certificates', 'cloud-init', 'curl', 'dbus', 'initramfs-tools', 'kmod'],
  ...['linux-image-cloud-amd64', 'systemd-sysv', 'udev', 'zstd'],
];
const PROGRAMS: Readonly<Record<string, string>> = {
  debootstrap: 'debootstrap',
  'systemd-nspawn': 'systemd-container',
  'qemu-system-x86_64': 'qemu-system-x86',
  socat: 'socat',
  ip: 'iproute2',
  'redis-server': 'redis-server',
  mke2fs: 'e2fsprogs',
};

/** For node:test's `skip`: what is missing to boot a machine here; false where nothing is. */
export function bootMissing(): string | false {
  if (process.env.BOOT !== 'full') {
    return 'takes minutes, root and 10 GB of disk: set BOOT=full to run it';
  }
  const search = (process.env.PATH ?? '').split(':').concat('/usr/sbin', '/sbin');
  const missing = Object.entries(PROGRAMS)
    .filter(([program]) => !search.some((folder) => existsSync(join(folder, program))))
    .map(([, name]) => name);
  if (missing.length > 0) return `programs are missing: apt-get install ${missing.join(' ')}`;
  if (process.arch !== 'x64') return 'the machines that are booted are amd64';
  return whyNoRoot() ?? false;
}

/**
 * The folder of a root that bake.sh has turned into an image; nothing may be written into it. One of arm64 is
 * for running programs in it, not for booting: it has no kernel and no cloud-init.
 */
export async function bakedRoot(role: Role, architecture: Architecture = 'amd64'): Promise<string> {
  const suffix = architecture === 'amd64' ? '' : `-${architecture}`;
  const name = `${role}${suffix}-`;
  const folder = join(BOOT_FOLDER, `${name}${digestOfSource()}`);
  if (existsSync(folder)) return folder;
  mkdirSync(BOOT_FOLDER, { recursive: true });
  const ofThisKind = new RegExp(`^${name}[0-9a-f]{12}(?:\\.raw)?$`);
  for (const old of readdirSync(BOOT_FOLDER).filter((one) => ofThisKind.test(one))) {
    rmSync(join(BOOT_FOLDER, old), { recursive: true });
  }
  const root = makeRoot(BOOT_FOLDER, join(BOOT_FOLDER, `debian${suffix}`), architecture);
  try {
    if (architecture === 'amd64') {
      root.run(['apt-get', 'update', '-qq']);
      root.run(['apt-get', 'install', '-y', '-qq', '--no-install-recommends', ...MACHINE_PACKAGES]);
    }
    await bringSource(root);
    if (architecture !== 'amd64') await bringModel(root.folder);
    const flags = role === 'worker' ? ['--checkpoints', '/root/checkpoints'] : [];
    root.run(['/root/source/deploy/bake/bake.sh', '--role', role, ...flags]);
    root.run(['rm', '-rf', '/root/source', '/root/checkpoints']);
    root.forgetMachine();
    // As an image is delivered: each machine gets an id of its own.
    writeFileSync(join(root.folder, 'etc/machine-id'), '');
    rmSync(join(root.folder, 'var/lib/dbus/machine-id'), { force: true });
    root.keepAs(folder);
  } finally {
    root.remove();
  }
  return folder;
}

/** The same model on every processor: bake.sh finds it and does not convert, which takes an hour emulated. */
async function bringModel(root: string): Promise<void> {
  const target = join(root, 'usr/local/share/elastic-face/model');
  mkdirSync(dirname(target), { recursive: true });
  cpSync(await modelDirectory('facenet'), target, { recursive: true });
}

/** Of everything that gets into an image. */
function digestOfSource(): string {
  const hash = createHash('sha256');
  for (const file of checkoutFiles()) {
    if (/\.(?:test|fixture)\.ts$|^(?:docs|test|bench)\/|\.md$/.test(file)) continue;
    hash.update(`${file}\0`).update(readFileSync(join(PROJECT, file)));
  }
  return hash.digest('hex').slice(0, 12);
}

/** Runs a program and gives what it wrote; throws with its last words unless it ends with 0. */
export function run(program: string, ...args: string[]): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8' });
  if (status === 0) return stdout;
  throw new Error(`${program} ${args.join(' ')}: ${error ?? stderr.trim()}`);
}
