/** Runs Python's AWS client against an address, for tests; says when this machine has none. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A word for `skip`, or false when every module can be imported. */
export async function missingPython(...modules: readonly string[]): Promise<string | false> {
  try {
    await run('python3', ['-c', `import ${modules.join(', ')}`]);
    return false;
  } catch {
    return `python3 with ${modules.join(' and ')} is not on this machine`;
  }
}

/** Runs a script and parses the JSON it prints; rejects with what it said on failure. */
export async function python(script: string, ...args: readonly string[]): Promise<unknown> {
  const { stdout } = await run('python3', ['-c', script, ...args], {
    env: {
      ...process.env,
      AWS_ACCESS_KEY_ID: 'local',
      AWS_SECRET_ACCESS_KEY: 'local',
      AWS_DEFAULT_REGION: 'us-east-1',
      AWS_CONFIG_FILE: '/dev/null',
    },
    timeout: 60_000,
  });
  return JSON.parse(stdout);
}
