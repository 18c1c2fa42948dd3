/**
 * The identity and the settings of this worker; on an instance, from its metadata. Reads the
 * environment and the metadata service, nothing else.
 */
import { hostname } from 'node:os';
import { metadataEndpoint, readIdentity } from '../cloud/ec2/metadata.ts';
import {
  readServiceSettings,
  type SettingsInput,
  type WorkerSettings,
} from '../runtime/settings.ts';

export interface WorkerIdentity {
  readonly instanceId: string;
  readonly settings: WorkerSettings;
}

/**
 * The user data's NAME=value settings lie under the environment, which lies under the flags: an image
 * is the same for every stack, and the scaler tells each instance the rest at launch. Away from EC2,
 * with no metadata service set, the worker names itself after the machine and its process.
 * @throws {SettingsError} when a setting of any of the three is wrong
 * @throws {MetadataError} when there should be a metadata service and it gives no identity
 */
export async function identify(
  flags: SettingsInput,
  environment: SettingsInput,
): Promise<WorkerIdentity> {
  const own = readServiceSettings('worker', flags, environment);
  const endpoint = metadataEndpoint(own);
  if (endpoint === undefined) {
    return { instanceId: `local-${hostname()}-${process.pid}`, settings: own };
  }
  const { instanceId, userData } = await readIdentity(endpoint);
  const set = Object.entries(environment).filter(
    ([, value]) => value !== undefined && value !== '',
  );
  const layered = { ...userData, ...Object.fromEntries(set) };
  return { instanceId, settings: readServiceSettings('worker', flags, layered) };
}
