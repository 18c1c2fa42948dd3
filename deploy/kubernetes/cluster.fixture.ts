/**
 * A control plane of Kubernetes on loopback: etcd, API server and controllers, as the Go modules in programs/
 * build them. There is no kubelet: a pod is created and stays pending until a test reports it ready.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../local/redis.ts';
import { until } from '../../test/condition.fixture.ts';
import { buildGo } from '../container/go.fixture.ts';

const MODULE = join(import.meta.dirname, 'programs');
const KUBERNETES = 'k8s.io/kubernetes/cmd';

export function buildPrograms() {
  return {
    etcd: buildGo(MODULE, 'etcd', 'go.etcd.io/etcd/server/v3'),
    apiServer: buildGo(MODULE, 'kube-apiserver', `${KUBERNETES}/kube-apiserver`),
    controllers: buildGo(
      MODULE,
      'kube-controller-manager',
      `${KUBERNETES}/kube-controller-manager`,
    ),
    kubectl: buildGo(MODULE, 'kubectl', `${KUBERNETES}/kubectl`),
  };
}
export type Programs = ReturnType<typeof buildPrograms>;

/** What kubectl printed, and whether it succeeded. */
export interface Said {
  readonly ok: boolean;
  readonly out: string;
  readonly error: string;
}

export interface Cluster {
  /** Runs kubectl as an administrator. @param input its standard input */
  try(args: readonly string[], input?: string): Said;
  /** @throws what kubectl says where it fails */
  kubectl(args: readonly string[], input?: string): string;
  stop(): Promise<void>;
}

/** @param folder for data, certificates and logs */
export async function startCluster(programs: Programs, folder: string): Promise<Cluster> {
  const started: ChildProcess[] = [];
  const start = (name: string, program: string, args: readonly string[]): void => {
    const log = openSync(join(folder, `${name}.log`), 'a');
    started.push(spawn(program, args, { stdio: ['ignore', log, log] }));
  };
  const stop = async (): Promise<void> => {
    for (const child of started.reverse()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    }
  };
  const killAll = (): void => {
    for (const child of started) child.kill('SIGKILL');
  };
  process.once('exit', killAll);
  try {
    const etcd = await etcdArguments(join(folder, 'etcd'));
    start('etcd', programs.etcd, etcd.args);
    const files = writeFiles(folder);
    const port = await freePort();
    start('api-server', programs.apiServer, [
      `--etcd-servers=${etcd.url}`,
      '--bind-address=127.0.0.1',
      `--secure-port=${port}`,
      // Here the server leaves the certificate that it makes for itself.
      `--cert-dir=${files.certificates}`,
      `--token-auth-file=${files.tokens}`,
      '--authorization-mode=RBAC',
      '--service-cluster-ip-range=10.0.0.0/24',
      '--endpoint-reconciler-type=none',
      '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
      `--service-account-key-file=${files.publicKey}`,
      `--service-account-signing-key-file=${files.privateKey}`,
    ]);
    const kubectl = client(programs.kubectl, files, port, files.administrator);
    const ready = () => kubectl.try(['get', '--raw', '/readyz']).ok;
    await until('the API server to be ready', ready, { limitMs: 180_000, everyMs: 200 });
    start('controllers', programs.controllers, [
      `--kubeconfig=${kubeconfig(folder, files, port)}`,
      `--service-account-private-key-file=${files.privateKey}`,
      `--root-ca-file=${files.authority}`,
      '--use-service-account-credentials',
      '--leader-elect=false',
      '--secure-port=0',
    ]);
    return {
      ...kubectl,
      async stop() {
        process.off('exit', killAll);
        await stop();
      },
    };
  } catch (error) {
    process.off('exit', killAll);
    await stop();
    const logs = readdirSync(folder).filter((name) => name.endsWith('.log'));
    const said = logs.map((name) => `${name}: ${readFileSync(join(folder, name)).slice(-2000)}`);
    throw new Error(`The control plane did not start. ${said.join('\n')}`, { cause: error });
  }
}

async function etcdArguments(data: string) {
  const [clients, peers] = [await freePort(), await freePort()];
  const [url, peer] = [`http://127.0.0.1:${clients}`, `http://127.0.0.1:${peers}`];
  const args = [
    `--data-dir=${data}`,
    `--listen-client-urls=${url}`,
    `--advertise-client-urls=${url}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=default=${peer}`,
    '--unsafe-no-fsync',
  ];
  return { url, args };
}

/** Keys that sign tokens of service accounts, and the tokens of an administrator and of the controllers. */
function writeFiles(folder: string) {
  const certificates = join(folder, 'certificates');
  const paths = {
    certificates,
    authority: join(certificates, 'apiserver.crt'),
    tokens: join(folder, 'tokens.csv'),
    publicKey: join(folder, 'accounts.pub'),
    privateKey: join(folder, 'accounts.key'),
    administrator: randomUUID(),
    controllers: randomUUID(),
  };
  mkdirSync(certificates, { recursive: true });
  const keys = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  writeFileSync(paths.publicKey, keys.publicKey);
  writeFileSync(paths.privateKey, keys.privateKey, { mode: 0o600 });
  const tokens = [
    `${paths.administrator},administrator,1,system:masters`,
    `${paths.controllers},system:kube-controller-manager,2`,
  ];
  writeFileSync(paths.tokens, tokens.join('\n'), { mode: 0o600 });
  return paths;
}
type Files = ReturnType<typeof writeFiles>;

function kubeconfig(folder: string, files: Files, port: number): string {
  const path = join(folder, 'controllers.json');
  const cluster = {
    server: `https://127.0.0.1:${port}`,
    'certificate-authority-data': readFileSync(files.authority).toString('base64'),
  };
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'here', cluster }],
    users: [{ name: 'controllers', user: { token: files.controllers } }],
    contexts: [{ name: 'here', context: { cluster: 'here', user: 'controllers' } }],
    'current-context': 'here',
  };
  writeFileSync(path, JSON.stringify(config), { mode: 0o600 });
  return path;
}

function client(program: string, files: Files, port: number, token: string) {
  const common = [
    `--server=https://127.0.0.1:${port}`,
    `--certificate-authority=${files.authority}`,
    `--token=${token}`,
  ];
  const attempt = (args: readonly string[], input = ''): Said => {
    const { status, stdout, stderr, error } = spawnSync(program, [...common, ...args], {
      encoding: 'utf8',
      input,
      timeout: 180_000,
      env: { PATH: process.env.PATH, HOME: files.certificates, KUBECONFIG: '/dev/null' },
      maxBuffer: 64 * 1024 * 1024,
    });
    return { ok: status === 0, out: stdout, error: error?.message ?? stderr };
  };
  return {
    try: attempt,
    kubectl(args: readonly string[], input?: string): string {
      const { ok, out, error } = attempt(args, input);
      if (!ok) throw new Error(`kubectl ${args.join(' ')}: ${error}`);
      return out;
    },
  };
}
