/** A machine as the scripts of the units see it: a metadata service, and programs that record their calls. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const TOKEN = 'a-token';

export interface Machine {
  /** Runs one of the scripts of this folder to its end. */
  run(script: string): Promise<string>;
  /** How a recorded program was called; undefined if it was not. */
  calls(program: string): string | undefined;
  /** From now on, nothing answers there. */
  stopMetadata(): Promise<void>;
  close(): Promise<void>;
}

/**
 * @param userData undefined: the instance has none
 * @param programs stand-ins, each of which writes its arguments and these variables into a file
 */
export async function openMachine(
  userData: string | undefined,
  programs: Readonly<Record<string, readonly string[]>>,
): Promise<Machine> {
  const folder = mkdtempSync(join(tmpdir(), 'elastic-face-machine-'));
  for (const [name, variables] of Object.entries(programs)) {
    const values = variables.map((variable) => `${variable}=$${variable}`).join(' ');
    writeFileSync(join(folder, name), `#!/bin/sh\necho "$@ ${values}" >>${folder}/${name}.calls\n`);
    chmodSync(join(folder, name), 0o755);
  }
  const server = metadataService(userData);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const stopMetadata = async (): Promise<void> => {
    server.closeAllConnections();
    if (server.listening) await once(server.close(), 'close');
  };
  return {
    async run(script) {
      const { stdout } = await run(join(import.meta.dirname, script), {
        env: {
          PATH: `${folder}:${process.env.PATH}`,
          AWS_EC2_METADATA_SERVICE_ENDPOINT: `http://127.0.0.1:${port}`,
          METADATA_RETRIES: '0',
          LAST_LOGS_SECONDS: '0',
          FLUENT_BIT: join(folder, 'fluent-bit'),
        },
      });
      return stdout;
    },
    calls(program) {
      const file = join(folder, `${program}.calls`);
      return existsSync(file) ? readFileSync(file, 'utf8').trim() : undefined;
    },
    stopMetadata,
    async close() {
      await stopMetadata();
      rmSync(folder, { recursive: true });
    },
  };
}

/** Answers as EC2's does: nothing without a token, 404 where there is nothing of that name. */
function metadataService(userData: string | undefined): Server {
  const answers: Record<string, string | undefined> = {
    '/latest/user-data': userData,
    '/latest/meta-data/placement/region': 'eu-central-1',
    '/latest/meta-data/instance-id': 'i-0123456789abcdef0',
  };
  return createServer(({ method, url = '', headers }, response) => {
    if (method === 'PUT' && url === '/latest/api/token') return response.end(TOKEN);
    if (headers['x-aws-ec2-metadata-token'] !== TOKEN) return response.writeHead(401).end();
    const answer = answers[url];
    return answer === undefined ? response.writeHead(404).end() : response.end(answer);
  });
}
