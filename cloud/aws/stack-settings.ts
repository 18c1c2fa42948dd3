/**
 * The settings of a command that is run by hand: as the services of the project have them, without copying what
 * the stack has written.
 */
import {
  readSettings,
  type Settings,
  type SettingsInput,
  underEnvironment,
} from '../../runtime/settings.ts';
import { settingsParameter } from '../contract/names.ts';
import { openSettingsParameter } from './settings-parameter.ts';

/**
 * SETTINGS_PARAMETER, or what the stack of this project has written, if there is one. Below the environment.
 * @throws what reading SETTINGS_PARAMETER throws, if it is set
 */
export async function valuesOfStack(own: Settings): Promise<SettingsInput> {
  const { SETTINGS_PARAMETER = settingsParameter(own.PROJECT_ID) } = own;
  const source = openSettingsParameter({ ...own, SETTINGS_PARAMETER });
  try {
    return (await source?.read()) ?? {};
  } catch (error) {
    // Without a stack there is no parameter. Wrong credentials are reported by the command itself.
    if (own.SETTINGS_PARAMETER === undefined) return {};
    throw error;
  } finally {
    source?.close();
  }
}

/** @throws {SettingsError} when a setting is wrong; what `valuesOfStack` throws */
export async function readSettingsOfStack(overrides: SettingsInput = {}): Promise<Settings> {
  const values = await valuesOfStack(readSettings(overrides));
  return readSettings(overrides, underEnvironment(values));
}
