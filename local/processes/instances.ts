/**
 * What runs an instance on this machine: a process with the environment that an EC2 instance of this
 * project's image would have, and its own metadata service. Knows nothing about what the process does.
 */
import { join } from 'node:path';
import { displayName } from '../ec2/fleet/instance.ts';
import type { LaunchMachine } from '../ec2/fleet/machines.ts';
import { startMetadataService } from '../imds.ts';
import { type Child, startChild } from './child.ts';

/** Time for a worker to finish the message in work before it is killed. */
const GRACE_MS = 10_000;
/** Of its user's environment, what leads a process to its files and says how to trace; nothing else is passed on. */
const OF_THE_MACHINE =
  /^(?:PATH|HOME|LANG|LC_.*|TZ|TMPDIR|TMP|TEMP|XDG_.*|USERPROFILE|APPDATA|LOCALAPPDATA|SystemRoot|MALLOC_.*|OTEL_.*)$/i;

export interface InstanceOptions {
  /** Script and arguments that every instance runs, as the image's unit file would. */
  readonly args: readonly string[];
  /** Settings baked into the image, e.g. MODEL_DIR; all others come in user data. */
  readonly image: Readonly<Record<string, string>>;
  readonly endpointUrl: string;
  readonly region: string;
  /** Each instance's output goes to `<name>.log` here. */
  readonly logFolder: string;
  readonly machine: Readonly<Record<string, string | undefined>>;
  readonly graceMs?: number;
}

export function processLauncher(options: InstanceOptions): LaunchMachine {
  return async (instance) => {
    const metadata = await startMetadataService(instance);
    let child: Child;
    try {
      child = await startChild({
        args: options.args,
        environment: {
          ...machineEnvironment(options.machine),
          ...cloudEnvironment(options),
          ...options.image,
          AWS_EC2_METADATA_SERVICE_ENDPOINT: metadata.url,
        },
        logFile: join(options.logFolder, `${fileName(displayName(instance))}.log`),
        graceMs: options.graceMs ?? GRACE_MS,
      });
    } catch (error) {
      await metadata.close();
      throw error;
    }
    return {
      gone: child.gone.finally(() => metadata.close()),
      stop: () => child.stop(),
    };
  };
}

/** How any process of the local stack reaches the embedded cloud. */
export function cloudEnvironment(options: {
  endpointUrl: string;
  region: string;
}): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: options.endpointUrl,
    AWS_REGION: options.region,
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
  };
}

/** Of a user's environment only what leads a process to its files, and how to trace. */
export function machineEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).filter(
      (entry): entry is [string, string] => entry[1] !== undefined && OF_THE_MACHINE.test(entry[0]),
    ),
  );
}

/** A Name tag may hold anything; a file's name may not. */
function fileName(name: string): string {
  return name.replace(/[^\w.-]/g, '_').slice(0, 100);
}
