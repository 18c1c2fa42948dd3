/**
 * Boots an image's root with systemd as process 1 on this machine's kernel (systemd-nspawn), at full speed.
 * Each machine has a network of its own, in which only its metadata service, the cloud and Redis answer.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseUserData } from '../../cloud/ec2/metadata.ts';
import { until } from '../../test/condition.fixture.ts';
import { run } from './image.fixture.ts';
import { type Boot, type Forward, forwardSocket } from './machine.fixture.ts';

export interface ContainerOptions {
  readonly root: string;
  readonly cloudUrl: string;
  /** Lines added to /etc/elastic-face/environment of the next machine. */
  readonly environment: () => Readonly<Record<string, string>>;
  /** More files of the machine, by their paths. */
  readonly files?: Readonly<Record<string, string>>;
  /** Called with the machine's way to the cloud. */
  readonly onForward?: (toCloud: Forward) => void;
}

/** Units that a machine without a network card, a disk or a terminal does not need. */
const MASKED = [
  'systemd-networkd',
  'systemd-networkd-wait-online',
  'systemd-resolved',
  'console-getty',
];
/** Until the last moment: without default dependencies it is not stopped at shutdown. */
const SHOW_JOURNAL = `[Unit]
DefaultDependencies=no
[Service]
ExecStart=/bin/sh -c 'exec journalctl --follow --lines=all --output=cat >>/console'
`;
/** In place of Fluent Bit, which no package archive here has: says what it is to ship, and reads all of that. */
const SHIPPER = `#!/bin/sh
echo "Ships $PROJECT_ID $AWS_REGION $INSTANCE_ID by $*"
while sleep 1; do
  journalctl --unit=elastic-face-worker --output=cat >/var/lib/elastic-face-logs/shipped
done
`;

export function containerBoot(options: ContainerOptions): Boot {
  return async (instance, metadataPort, consoleFile) => {
    const folder = mkdtempSync(join(tmpdir(), `${instance.id}-`));
    const undo: (() => void)[] = [() => rmSync(folder, { recursive: true, force: true })];
    const cleanUp = (): void => {
      for (let step = undo.pop(); step; step = undo.pop()) step();
    };
    try {
      const root = mountRoot(options.root, folder, undo);
      prepare(root, options);
      const network = openNetwork(instance.id, undo);
      const user = Buffer.from(instance.userData ?? '', 'base64').toString();
      // A web instance names itself there, and has its own Redis.
      const { hostname, port: redis } = new URL(parseUserData(user).REDIS_URL ?? 'redis://none');
      const cloud = Number(new URL(options.cloudUrl).port);
      const ways: [string, number, number][] = [
        ['169.254.169.254', 80, metadataPort],
        ['127.0.0.1', cloud, cloud],
      ];
      if (hostname === '127.0.0.1') ways.push([hostname, Number(redis), Number(redis)]);
      for (const [address, port, target] of ways) {
        const socket = join(folder, `${port}.socket`);
        const forward = await forwardSocket(socket, target);
        undo.push(() => forward.close());
        const listen = `TCP-LISTEN:${port},bind=${address},fork,reuseaddr`;
        const inside = ['netns', 'exec', network, 'socat', listen, `UNIX-CONNECT:${socket}`];
        const listener = spawn('ip', inside, { stdio: 'ignore' });
        undo.push(() => listener.kill('SIGKILL'));
        if (target === cloud) options.onForward?.(forward);
      }
      return start({ id: instance.id, root, network, consoleFile, cleanUp });
    } catch (error) {
      cleanUp();
      throw error;
    }
  };
}

/** A root that can be written without changing the image. */
function mountRoot(image: string, folder: string, undo: (() => void)[]): string {
  const [upper, work, root] = ['upper', 'work', 'root'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  for (const one of [upper, work, root]) mkdirSync(one);
  const layers = `lowerdir=${image},upperdir=${upper},workdir=${work}`;
  run('mount', '-t', 'overlay', 'overlay', '-o', layers, root);
  undo.push(() => run('umount', '-l', root));
  return root;
}

/** What a machine here needs to be told that one on AWS finds out: all addresses, and to show its journal. */
function prepare(root: string, { cloudUrl, environment, files = {} }: ContainerOptions): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  const settings = {
    AWS_ENDPOINT_URL: cloudUrl,
    AWS_EC2_METADATA_SERVICE_ENDPOINT: 'http://169.254.169.254',
    ...environment(),
  };
  appendFileSync(join(root, 'etc/elastic-face/environment'), linesOf(settings));
  // It reads no firmware in a container, so it cannot tell EC2 and asks for metadata without a token.
  writeFileSync(join(root, 'etc/cloud/cloud-init.disabled'), '');
  const units = join(root, 'etc/systemd/system');
  mkdirSync(join(units, 'sysinit.target.wants'), { recursive: true });
  writeFileSync(join(units, 'boot-console.service'), SHOW_JOURNAL);
  symlinkSync('../boot-console.service', join(units, 'sysinit.target.wants/boot-console.service'));
  writeFileSync(join(root, 'console'), '');
  mkdirSync(join(root, 'opt/fluent-bit/bin'), { recursive: true });
  writeFileSync(join(root, 'opt/fluent-bit/bin/fluent-bit'), SHIPPER, { mode: 0o755 });
}

function openNetwork(id: string, undo: (() => void)[]): string {
  run('ip', 'netns', 'add', id);
  undo.push(() => run('ip', 'netns', 'del', id));
  run('ip', '-n', id, 'link', 'set', 'lo', 'up');
  run('ip', '-n', id, 'addr', 'add', '169.254.169.254/32', 'dev', 'lo');
  return id;
}

interface Parts {
  readonly id: string;
  readonly root: string;
  readonly network: string;
  readonly consoleFile: string;
  cleanUp(): void;
}

function start({ id, root, network, consoleFile, cleanUp }: Parts) {
  const console = openSync(consoleFile, 'a');
  const child = spawn(
    'systemd-nspawn',
    [
      ...['--quiet', '--register=no', '--keep-unit', `--directory=${root}`, `--machine=${id}`],
      ...['--boot', `--network-namespace-path=/run/netns/${network}`, '--console=pipe'],
      ...[`--bind=${consoleFile}:/console`, '--kill-signal=SIGRTMIN+4', '--'],
      ...MASKED.map((unit) => `systemd.mask=${unit}.service`),
    ],
    { stdio: ['ignore', console, console] },
  );
  return {
    gone: new Promise<string>((resolve) => {
      child.once('error', (error) => resolve(String(error)));
      child.once('exit', (code, signal) => {
        appendFileSync(consoleFile, lastLines(root));
        cleanUp();
        resolve(`powered off (${signal ?? `code ${code}`})`);
      });
    }),
    shell: (line: string) => inside(child, line),
    stop: () => void child.kill('SIGTERM'),
    kill: () => void child.kill('SIGKILL'),
  };
}

/** What the machine logged last: at a quick end its own reader is ended before it has read all of it. */
function lastLines(root: string): string {
  const directory = `--directory=${join(root, 'var/log/journal')}`;
  return spawnSync('journalctl', [directory, '--output=cat', '--lines=100'], { encoding: 'utf8' })
    .stdout;
}

async function inside(child: ChildProcess, line: string): Promise<string> {
  const first = await until('the first process of the machine', () => firstChild(child.pid));
  const entered = ['--target', first, '--mount', '--uts', '--ipc', '--net', '--pid'];
  const PATH = 'PATH=/usr/sbin:/usr/bin:/sbin:/bin';
  const command = ['env', '-i', PATH, 'LANG=C.UTF-8', 'sh', '-c', line];
  const shell = spawn('nsenter', [...entered, ...command], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [shell.stdout, shell.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
  }
  const code = await new Promise((resolve) => shell.once('close', resolve));
  if (code !== 0) throw new Error(`${line}: ended with ${code}: ${said.trim()}`);
  return said.trim();
}

function firstChild(pid: number | undefined): string | undefined {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return children.trim().split(' ')[0] || undefined;
}

export function linesOf(settings: Readonly<Record<string, string>>): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}
