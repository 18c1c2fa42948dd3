/** The project's own programs, each with the credentials of a role and no others. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { REGION } from './stack-roles.fixture.ts';
import { ID, type RoleName, type World } from './world.fixture.ts';

const COMMAND_LINE = fileURLToPath(new URL('../../elastic-face.ts', import.meta.url));
/** The real worker with the inference double. */
export const WORKER = fileURLToPath(new URL('../double-worker.fixture.ts', import.meta.url));

export interface Program {
  said(): string;
  /** Sends SIGTERM, as systemd does. */
  stop(): Promise<number | null>;
}

/** Of the machine, and nothing that names an identity. */
function machine(): Record<string, string> {
  return Object.fromEntries(
    ['PATH', 'HOME', 'TMPDIR', 'LD_LIBRARY_PATH'].flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

function environment(world: World, role: RoleName, more: Record<string, string>) {
  return {
    ...machine(),
    ...world.sessions.environment(role),
    PROJECT_ID: ID,
    AWS_REGION: REGION,
    AWS_ENDPOINT_URL: world.judge.url,
    AWS_EC2_METADATA_DISABLED: 'true',
    ...more,
  };
}

export function start(
  world: World,
  role: RoleName,
  args: readonly string[],
  more: Record<string, string>,
): Program {
  const child: ChildProcess = spawn(process.execPath, args, {
    env: environment(world, role, more),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (bytes) => (said += bytes));
  const ended = once(child, 'exit');
  return {
    said: () => said,
    async stop() {
      child.kill('SIGTERM');
      const [code] = await ended;
      return code;
    },
  };
}

export const service = (name: string): string[] => [COMMAND_LINE, name];

/** Runs a command to its end. */
export async function run(
  world: World,
  role: RoleName,
  args: readonly string[],
  more: Record<string, string> = {},
): Promise<{ code: number; said: string }> {
  const child = spawn(process.execPath, [COMMAND_LINE, ...args], {
    env: environment(world, role, more),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => (said += bytes));
  const [code] = await once(child, 'close');
  return { code, said };
}

/** A file of one person with one face, as `POST /v1/people/import` takes it, by the double's encoder. */
export function personFile(name: string, face: readonly number[]) {
  const person = { id: randomUUID(), name };
  const embedding = Buffer.from(Float32Array.from(face).buffer).toString('base64');
  const lines = [
    { format: 'elastic-face-people', version: 1, encoder: 'double', length: face.length },
    { ...person, faces: [{ id: randomUUID(), embedding }] },
  ];
  return { person, body: `${lines.map((line) => JSON.stringify(line)).join('\n')}\n` };
}
