/**
 * Boots an image's root as a virtual machine without KVM: its own kernel, ACPI, DHCP and a metadata service at
 * the address that EC2 has it. Slow: every instruction is translated.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '../../test/condition.fixture.ts';
import { run } from './image.fixture.ts';
import type { Boot } from './machine.fixture.ts';
import { linesOf } from './nspawn.fixture.ts';

/** In the machine this address leads to the loopback of this machine, where cloud and Redis listen. */
const HOST = '169.254.0.2';
const DISK_SIZE = '3G';
const MEMORY_MB = 2048;
/** For what a real machine does in seconds: each instruction is translated, beside this machine's other work. */
const PATIENCE_MS = 900_000;

/** A photo in hand takes most of the 110 s that the worker's unit gives it to stop. */
const PATIENT = '/etc/systemd/system/elastic-face-worker.service.d/patient.conf';

export interface DiskOptions {
  readonly root: string;
  /** Ports of this machine's loopback that are reached at the same port of the machine's. */
  readonly ports: readonly number[];
  /** Lines added to /etc/elastic-face/environment. */
  readonly environment: Readonly<Record<string, string>>;
  readonly files?: Readonly<Record<string, string>>;
}

/** A disk made of a baked root, with the little that tells a machine here where its cloud is. */
export function makeDisk(target: string, options: DiskOptions): void {
  const plain = `${options.root}.raw`;
  if (!existsSync(plain)) {
    run('mke2fs', '-q', '-t', 'ext4', '-d', options.root, `${plain}.new`, DISK_SIZE);
    run('mv', `${plain}.new`, plain);
  }
  run('cp', '--sparse=always', '--reflink=auto', plain, target);
  const folder = mkdtempSync(join(tmpdir(), 'elastic-face-disk-'));
  try {
    cpSync(join(options.root, 'etc/elastic-face/environment'), join(folder, 'environment'));
    writeFileSync(join(folder, 'environment'), linesOf(options.environment), { flag: 'a' });
    const commands = [
      `mkdir ${PATIENT.slice(0, PATIENT.lastIndexOf('/'))}`,
      'rm /etc/elastic-face/environment',
      `write ${folder}/environment /etc/elastic-face/environment`,
    ];
    const wants = '/etc/systemd/system/multi-user.target.wants';
    for (const [path, text] of Object.entries({
      ...machineFiles(options.ports),
      ...options.files,
    })) {
      const file = join(folder, path.replaceAll('/', '_'));
      writeFileSync(file, text);
      commands.push(`rm ${path}`, `write ${file} ${path}`);
      if (/\.socket$|shell\.service$/.test(path)) {
        commands.push(`symlink ${wants}/${path.split('/').at(-1)} ${path}`);
      }
    }
    commands.push(
      `symlink ${wants}/systemd-networkd.service /lib/systemd/system/systemd-networkd.service`,
    );
    commands.push('symlink /etc/systemd/system/e2scrub_reap.service /dev/null');
    writeFileSync(join(folder, 'commands'), `${commands.join('\n')}\n`);
    run('debugfs', '-w', '-f', join(folder, 'commands'), target);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function machineFiles(ports: readonly number[]): Record<string, string> {
  const units = '/etc/systemd/system';
  return Object.fromEntries([
    [PATIENT, `[Service]\nTimeoutStopSec=${PATIENCE_MS / 1000}\n`],
    ['/etc/fstab', '/dev/vda / ext4 defaults 0 1\n'],
    ['/etc/systemd/network/boot.network', '[Match]\nName=eth*\n[Network]\nDHCP=ipv4\n'],
    ['/etc/systemd/journald.conf', '[Journal]\nForwardToConsole=yes\nTTYPath=/dev/ttyS0\n'],
    [
      `${units}/boot-shell.service`,
      '[Service]\nExecStart=/bin/sh\nStandardInput=tty\nStandardOutput=tty\nStandardError=tty\nTTYPath=/dev/ttyS1\nTimeoutStopSec=1\nRestart=always\n',
    ],
    ...ports.flatMap((port) => [
      [`${units}/boot-${port}.socket`, `[Socket]\nListenStream=127.0.0.1:${port}\n`],
      // They stop after the worker, which needs them for the photos in hand.
      [
        `${units}/boot-${port}.service`,
        `[Unit]\nAfter=network.target\nBefore=elastic-face-worker.service\n[Service]\nExecStart=/lib/systemd/systemd-socket-proxyd ${HOST}:${port}\n`,
      ],
    ]),
  ]);
}

/** @param kernelLine more of the kernel's command line, e.g. units to mask */
export function machineBoot(root: string, disk: string, kernelLine = ''): Boot {
  const part = (name: string): string => {
    const found = readdirSync(join(root, 'boot')).find((file) => file.startsWith(name));
    if (found === undefined) throw new Error(`${root}/boot has no ${name}`);
    return join(root, 'boot', found);
  };
  return async ({ id }, metadataPort, consoleFile) => {
    const folder = mkdtempSync(join(tmpdir(), 'elastic-face-qemu-'));
    const [shellPath, monitorPath] = [join(folder, 'shell'), join(folder, 'monitor')];
    const metadata = `guestfwd=tcp:169.254.169.254:80-cmd:socat - TCP:127.0.0.1:${metadataPort}`;
    const child = spawn(
      'qemu-system-x86_64',
      [
        ...['-accel', 'tcg,thread=multi', '-cpu', 'max', '-smp', '2', '-m', String(MEMORY_MB)],
        ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot'],
        // By these cloud-init knows EC2, and asks for metadata with a token.
        ...['-smbios', `type=1,manufacturer=Amazon EC2,uuid=${uuidOf(id)},serial=${uuidOf(id)}`],
        ...['-kernel', part('vmlinuz'), '-initrd', part('initrd')],
        '-append',
        `root=/dev/vda rw console=ttyS0 net.ifnames=0 systemd.show_status=yes ${kernelLine}`,
        ...['-drive', `file=${disk},format=raw,if=virtio,snapshot=on,cache=unsafe`],
        '-netdev',
        // The machine's own network holds the metadata service's address, so that qemu can answer for it.
        `user,id=n0,net=169.254.0.0/16,host=${HOST},dns=169.254.0.3,dhcpstart=169.254.0.15,${metadata}`,
        ...['-device', 'virtio-net-pci,netdev=n0', '-device', 'virtio-rng-pci'],
        ...['-serial', `file:${consoleFile}`, '-serial', `unix:${shellPath},server,nowait`],
        ...['-qmp', `unix:${monitorPath},server,nowait`],
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    let complaint = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      complaint += text;
    });
    return {
      gone: new Promise<string>((resolve) => {
        child.once('error', (error) => resolve(String(error)));
        child.once('exit', (code, signal) => {
          rmSync(folder, { recursive: true, force: true });
          resolve(`powered off (${signal ?? `code ${code}`}) ${complaint}`.trim());
        });
      }),
      shell: (line: string) => typed(shellPath, line),
      stop: () => void pressPowerButton(monitorPath).catch(() => child.kill('SIGKILL')),
      kill: () => void child.kill('SIGKILL'),
      graceMs: PATIENCE_MS,
    };
  };
}

function uuidOf(instanceId: string): string {
  const digits = createHash('sha256').update(instanceId).digest('hex');
  return `ec2${digits.slice(0, 5)}-${digits.slice(5, 9)}-4${digits.slice(9, 12)}-8${digits.slice(12, 15)}-${digits.slice(15, 27)}`;
}

async function opened(path: string): Promise<Socket> {
  await until(`${path}`, () => existsSync(path));
  const socket = connect(path).setEncoding('utf8');
  await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  return socket;
}

/** Types a line into the root shell on the second serial line, and waits for its end. */
async function typed(path: string, line: string): Promise<string> {
  const socket = await opened(path);
  let said = '';
  socket.on('data', (text: string) => {
    said += text;
  });
  const END = `'-'$?'-'`;
  const mark = `mark${Math.random().toString(36).slice(2)}`;
  // Split, so that the terminal's echo of the line is not taken for its end.
  socket.write(`stty -echo; (${line}) </dev/null 2>&1; echo "${mark}"${END}\n`);
  try {
    const end = new RegExp(`([^]*)${mark}-(\\d+)-`);
    const [, all = '', code] = await until(
      `the end of: ${line}`,
      () => end.exec(said) ?? undefined,
      {
        limitMs: PATIENCE_MS,
        everyMs: 100,
      },
    );
    const echoed = all.lastIndexOf(END);
    const output = all.slice(echoed < 0 ? 0 : echoed + END.length).replaceAll('\r', '');
    if (code !== '0') throw new Error(`${line}: ended with ${code}: ${output}`);
    return output.trim();
  } finally {
    socket.destroy();
  }
}

async function pressPowerButton(path: string): Promise<void> {
  const socket = await opened(path);
  socket.write('{"execute":"qmp_capabilities"}\n{"execute":"system_powerdown"}\n');
  await new Promise((resolve) => socket.once('data', resolve));
  socket.end();
}
