/**
 * Settings of all services, read from the environment once at start, with command-line flags on top.
 * A service validates its own groups only. This is the only file of the services that reads process.env.
 */
import { z } from 'zod';
import { SettingsError } from './errors.ts';
import { shownValue } from './settings/kinds.ts';
import { localCloudSettings } from './settings/local-cloud.ts';
import { instanceSettings, scalingSettings } from './settings/scaling.ts';
import { connectionSettings, requestSettings } from './settings/shared.ts';
import { webSettings } from './settings/web.ts';
import { conversionSettings, workerSettings } from './settings/worker.ts';

/** In the order in which the documentation shows them. */
export const settingGroups = {
  'All services': connectionSettings,
  'Requests and results': requestSettings,
  'Web tier': webSettings,
  'Worker and model': workerSettings,
  Conversion: conversionSettings,
  Scaler: scalingSettings,
  Instances: instanceSettings,
  'Embedded cloud': localCloudSettings,
} as const;

export const settingsSchema = z.object({
  ...connectionSettings,
  ...requestSettings,
  ...webSettings,
  ...workerSettings,
  ...conversionSettings,
  ...scalingSettings,
  ...instanceSettings,
  ...localCloudSettings,
});

/** What each service reads. The scaler passes the worker's settings on to the instances it launches. */
export const serviceSchemas = {
  web: z.object({ ...connectionSettings, ...requestSettings, ...webSettings }),
  worker: z.object({ ...connectionSettings, ...requestSettings, ...workerSettings }),
  scaler: z.object({
    ...connectionSettings,
    ...requestSettings,
    ...workerSettings,
    ...scalingSettings,
    ...instanceSettings,
  }),
} as const;

export type ServiceName = keyof typeof serviceSchemas;
export type Settings = z.output<typeof settingsSchema>;
export type SettingName = keyof Settings;
export type WebSettings = z.output<typeof serviceSchemas.web>;
export type WorkerSettings = z.output<typeof serviceSchemas.worker>;
export type ScalerSettings = z.output<typeof serviceSchemas.scaler>;
export type ConnectionSettings = Pick<Settings, keyof typeof connectionSettings>;
export type RequestSettings = Pick<Settings, keyof typeof requestSettings>;
/** Values as they come from outside: text from the environment, typed values from flags. */
export type SettingsInput = Readonly<Record<string, unknown>>;

/**
 * Reads and validates all settings; `overrides` (flags) win where they are defined. An empty variable
 * counts as unset, since shells and unit files do not tell the two apart.
 * @throws {SettingsError} naming each wrong setting, its rule and, unless it may be secret, its value
 */
export function readSettings(
  overrides: SettingsInput = {},
  environment: SettingsInput = process.env,
): Settings {
  return parse(settingsSchema, overrides, environment);
}

/** The same for one service: wrong settings of the others do not concern it. */
export function readServiceSettings<Name extends ServiceName>(
  service: Name,
  overrides: SettingsInput = {},
  environment: SettingsInput = process.env,
): z.output<(typeof serviceSchemas)[Name]> {
  return parse(serviceSchemas[service], overrides, environment) as z.output<
    (typeof serviceSchemas)[Name]
  >;
}

function parse<Schema extends z.ZodObject>(
  schema: Schema,
  overrides: SettingsInput,
  environment: SettingsInput,
): z.output<Schema> {
  const given: Record<string, unknown> = {};
  for (const name of Object.keys(schema.shape)) {
    const value = overrides[name] ?? environment[name];
    if (value !== undefined && value !== '') given[name] = value;
  }
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const wrong = parsed.error.issues.map((issue) => {
    const name = String(issue.path[0]) as SettingName;
    return `${name} ${issue.message} (${shownValue(settingsSchema.shape[name], given[name])})`;
  });
  throw new SettingsError(`Wrong settings: ${wrong.join('; ')}. Correct and start again.`);
}

/** Settings of another source under the environment, whose empty variables count as unset. */
export function underEnvironment(
  values: SettingsInput,
  environment: SettingsInput = process.env,
): SettingsInput {
  const set = Object.entries(environment).filter(
    ([, value]) => value !== undefined && value !== '',
  );
  return { ...values, ...Object.fromEntries(set) };
}

/** Whether the environment itself names this setting, so that a default may depend on the machine. */
export function isSet(name: SettingName, environment: SettingsInput = process.env): boolean {
  return environment[name] !== undefined && environment[name] !== '';
}
