/** An embedded cloud for one test file: a folder of its own, a free port, clients, and an end. */
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createEc2Clients, type Ec2Clients } from '../cloud/ec2/client.ts';
import { createLogger } from '../runtime/log.ts';
import { type LocalCloud, type LocalCloudOptions, startLocalCloud } from './cloud.ts';
import { processLauncher } from './processes/instances.ts';

export const REGION = 'us-east-1';
export const quiet = createLogger('test', 'silent');
const INSTANCE = fileURLToPath(new URL('./instance.fixture.ts', import.meta.url));

export function temporaryFolder(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'elastic-face-local-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

export async function startTestCloud(
  dataDir: string,
  options: Partial<LocalCloudOptions> & { graceMs?: number } = {},
): Promise<{ cloud: LocalCloud; clients: Ec2Clients; stop(): Promise<void> }> {
  const cloud = await startLocalCloud({
    port: 0,
    dataDir,
    region: REGION,
    log: quiet,
    launcher: (endpointUrl) =>
      processLauncher({
        args: [INSTANCE],
        image: { MODEL_DIR: '/the/image' },
        endpointUrl,
        region: REGION,
        logFolder: join(dataDir, 'logs'),
        machine: process.env,
        graceMs: options.graceMs ?? 5000,
      }),
    ...options,
  });
  const clients = createEc2Clients({ AWS_REGION: REGION, AWS_ENDPOINT_URL: cloud.url });
  return {
    cloud,
    clients,
    async stop() {
      clients.destroy();
      await cloud.stop();
    },
  };
}

/** Whether a process runs; one that only waits to be buried does not. */
export async function isAlive(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return !/^\d+ \(.*\) [ZX]/.test(stat);
}

/** The code of the error a promise rejects with; fails when it resolves. */
export async function errorName(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return (error as Error).name;
  }
  throw new Error('It was expected to fail');
}
