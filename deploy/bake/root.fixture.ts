/** A plain Debian root in a folder, for tests that need a machine of its own: made, entered, measured, removed. */
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { encoderFiles, findModelData } from '../../convert/sources/model-data.ts';

const PROJECT = join(import.meta.dirname, '../..');

/** What leads package managers to their registries on this machine; the root is to use the same. */
const MACHINE_FILES = [
  '/etc/resolv.conf',
  '/etc/pip.conf',
  '/etc/npmrc',
  join(homedir(), '.npmrc'),
];
const MACHINE_VARIABLES = /^(?:PIP_|npm_config_|https?_proxy$|no_proxy$)/i;
/** Whom this machine trusts: it may reach its registries through somebody of its own. */
const CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt';
const TRUST = ['SSL_CERT_FILE', 'PIP_CERT', 'NODE_EXTRA_CA_CERTS'];

export interface DebianRoot {
  readonly folder: string;
  /** Runs a program inside as root; throws, with its last words, unless it ends with 0. */
  run(command: readonly string[]): string;
  /** MB on disk of these paths inside. */
  megabytes(...paths: string[]): number;
  /** Takes the machine's own files out again, so that only the image's are left. */
  forgetMachine(): void;
  /** Gives the folder another name; nothing can be run in it after. */
  keepAs(folder: string): void;
  remove(): void;
}

/** Why no root can be made here; undefined where one can. */
export function whyNoRoot(): string | undefined {
  if (process.getuid?.() !== 0) return 'chroot needs root';
  for (const program of ['debootstrap', 'chroot', 'mount']) {
    if (spawnSync(program, ['--version']).error) return `${program} is missing`;
  }
  return undefined;
}

/** Debian's names of the processors that images are made for. */
export type Architecture = 'amd64' | 'arm64';

/**
 * @param base a folder that keeps the plain Debian for the next time; made when it is missing
 * @param architecture another than this machine's needs its emulator registered with the kernel
 * @throws {Error} with what debootstrap said
 */
export function makeRoot(parent: string, base?: string, architecture?: Architecture): DebianRoot {
  const folder = mkdtempSync(join(parent, 'elastic-face-root-'));
  if (base === undefined) debootstrap(folder, architecture);
  else {
    if (!existsSync(base)) {
      const fresh = mkdtempSync(`${base}-`);
      debootstrap(fresh, architecture);
      renameSync(fresh, base);
    }
    must(spawnSync('cp', ['-a', '--reflink=auto', `${base}/.`, folder], { encoding: 'utf8' }));
  }
  // Services inside are not run by root, and have to get past the top.
  chmodSync(folder, 0o755);
  const trusted = '/root/certificates.pem';
  copyFileSync(CERTIFICATES, join(folder, trusted));
  const copied = [join(folder, trusted)];
  for (const file of MACHINE_FILES) {
    if (!existsSync(file)) continue;
    const inside = join(folder, file.replace(homedir(), '/root'));
    mkdirSync(dirname(inside), { recursive: true });
    copyFileSync(file, inside);
    if (!file.endsWith('resolv.conf')) copied.push(inside);
  }
  const proc = join(folder, 'proc');
  must(spawnSync('mount', ['-t', 'proc', 'proc', proc], { encoding: 'utf8' }));
  const environment = {
    ...Object.fromEntries(
      Object.entries(process.env).filter(([name]) => MACHINE_VARIABLES.test(name)),
    ),
    ...Object.fromEntries(TRUST.map((name) => [name, trusted])),
  };
  const run = (command: readonly string[]): string =>
    must(
      spawnSync('chroot', [folder, ...command], {
        encoding: 'utf8',
        maxBuffer: 64 * 1024 * 1024,
        env: {
          ...environment,
          PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
          HOME: '/root',
          LANG: 'C.UTF-8',
        },
      }),
    ).stdout;
  return {
    folder,
    run,
    megabytes: (...paths) =>
      Number(/^(\d+)\s+total$/m.exec(run(['du', '-xcsm', ...paths]))?.[1] ?? Number.NaN),
    forgetMachine() {
      for (const file of copied) rmSync(file, { force: true });
    },
    keepAs(kept) {
      spawnSync('umount', ['-l', proc]);
      renameSync(folder, kept);
    },
    remove() {
      spawnSync('umount', ['-l', proc]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function debootstrap(folder: string, architecture?: Architecture): void {
  const flags = ['--variant=minbase', ...(architecture ? [`--arch=${architecture}`] : [])];
  must(spawnSync('debootstrap', [...flags, 'bookworm', folder], { encoding: 'utf8' }));
}

/** Puts the checkout's files into /root/source and the model's checkpoints into /root/checkpoints. */
export async function bringSource(root: DebianRoot): Promise<void> {
  for (const file of checkoutFiles()) {
    const target = join(root.folder, 'root/source', file);
    mkdirSync(dirname(target), { recursive: true });
    cpSync(join(PROJECT, file), target);
  }
  const { encoder, ...others } = await findModelData();
  const given = join(root.folder, 'root/checkpoints');
  mkdirSync(given);
  for (const file of Object.values({ ...others, ...encoderFiles(encoder) })) {
    cpSync(file, join(given, basename(file)));
  }
}

/** Every file that is or will be committed, by its path in the checkout. */
export function checkoutFiles(): string[] {
  const which = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  const { stdout } = must(spawnSync('git', ['-C', PROJECT, ...which], { encoding: 'utf8' }));
  return stdout.split('\0').filter((file) => file !== '' && existsSync(join(PROJECT, file)));
}

function must(result: SpawnSyncReturns<string>): SpawnSyncReturns<string> {
  if (result.status === 0) return result;
  const words = `${result.stdout ?? ''}${result.stderr ?? ''}${result.error ?? ''}`;
  throw new Error(words.trim().split('\n').slice(-15).join('\n'));
}
