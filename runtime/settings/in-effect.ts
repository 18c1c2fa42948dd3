/** The settings in effect with their sources, for people and for scripts. */
import {
  isSet,
  readServiceSettings,
  readSettings,
  type ServiceName,
  type SettingName,
  type SettingsInput,
  serviceSchemas,
  settingGroups,
  settingsSchema,
  underEnvironment,
} from '../settings.ts';
import { isSecret } from './kinds.ts';

export interface SettingInEffect {
  readonly name: string;
  readonly group: string;
  /** Missing where a setting is unset; secrets are masked. */
  readonly value?: string | number;
  readonly source: 'environment' | 'parameter' | 'default' | 'unset';
}

const MASK = '(set, not shown)';

/**
 * @param service only its settings; all where it is left out
 * @param parameter what SETTINGS_PARAMETER holds
 * @throws {SettingsError} when a setting is wrong
 */
export function settingsInEffect(
  service?: ServiceName,
  environment: SettingsInput = process.env,
  parameter: SettingsInput = {},
): SettingInEffect[] {
  const given = underEnvironment(parameter, environment);
  const values: Partial<Record<string, string | number>> =
    service === undefined ? readSettings({}, given) : readServiceSettings(service, {}, given);
  const isRead = (name: string): boolean =>
    service === undefined || name in serviceSchemas[service].shape;
  return Object.entries(settingGroups).flatMap(([group, settings]) =>
    (Object.keys(settings) as SettingName[]).filter(isRead).map((name) => {
      const value = values[name];
      const source = isSet(name, environment)
        ? 'environment'
        : isSet(name, parameter)
          ? 'parameter'
          : value === undefined
            ? 'unset'
            : 'default';
      const isHidden = value !== undefined && isSecret(settingsSchema.shape[name]);
      return {
        name,
        group,
        source,
        ...(value !== undefined && { value: isHidden ? MASK : value }),
      };
    }),
  );
}

export function settingsTable(settings: readonly SettingInEffect[]): string {
  const width = Math.max(...settings.map(({ name }) => name.length));
  const lines: string[] = [];
  let group = '';
  for (const setting of settings) {
    if (setting.group !== group) {
      group = setting.group;
      lines.push('', group);
    }
    const { name, source, value } = setting;
    lines.push(
      value === undefined
        ? `  ${name.padEnd(width)}  (unset)`
        : `  ${name.padEnd(width)}  ${value}  [${source}]`,
    );
  }
  return lines.slice(1).join('\n');
}
