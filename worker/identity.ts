/**
 * The identity and the settings of this worker; on an instance, from its metadata. Reads the
 * environment and the metadata service, nothing else.
 */
import { hostname } from 'node:os';
import { metadataEndpoint, readIdentity } from '../cloud/ec2/metadata.ts';
import {
  readServiceSettings,
  type SettingsInput,
  underEnvironment,
  type WorkerSettings,
} from '../runtime/settings.ts';

export interface WorkerIdentity {
  readonly instanceId: string;
  readonly settings: WorkerSettings;
  /**
   * The settings with these values above the user data.
   * @throws {SettingsError} when one is wrong
   */
  parse(values: SettingsInput): WorkerSettings;
}

/**
 * The user data's NAME=value settings lie under those of SETTINGS_PARAMETER, these under the environment, and
 * that under the flags: an image is the same for every stack, and the scaler gives each instance its settings
 * at launch. Away from EC2, with no metadata service set, the worker names itself after the machine and its
 * process.
 * @throws {SettingsError} when a setting of any of the three is wrong
 * @throws {MetadataError} when there should be a metadata service and it gives no identity
 */
export async function identify(
  flags: SettingsInput,
  environment: SettingsInput,
): Promise<WorkerIdentity> {
  const parseOver = (userData: SettingsInput) => (values: SettingsInput) =>
    readServiceSettings('worker', flags, underEnvironment({ ...userData, ...values }, environment));
  const parse = parseOver({});
  const own = parse({});
  const endpoint = metadataEndpoint(own);
  if (endpoint === undefined) {
    return { instanceId: `local-${hostname()}-${process.pid}`, settings: own, parse };
  }
  const { instanceId, userData } = await readIdentity(endpoint);
  const withUserData = parseOver(userData);
  return { instanceId, settings: withUserData({}), parse: withUserData };
}
