/** `elastic-face settings`: the settings in effect, and where each comes from. */
import type { CommandModule } from 'yargs';
import type { ServiceName } from '../runtime/settings.ts';

interface SettingsArguments {
  service?: ServiceName;
  json: boolean;
}

export const command: CommandModule<object, SettingsArguments> = {
  command: 'settings',
  describe: 'Print the settings in effect and where each comes from; secrets are not shown',
  builder: (args) =>
    args
      .option('service', {
        choices: ['web', 'worker', 'scaler'] as const,
        describe: 'Only the settings that this service reads',
      })
      .option('json', { type: 'boolean', default: false, describe: 'Print JSON' })
      .example('$0 settings --service web', 'what a web node would run with'),
  handler: async ({ service, json }) => {
    const { settingsInEffect, settingsTable } = await import('../runtime/settings/in-effect.ts');
    const { readSettings } = await import('../runtime/settings.ts');
    const own = readSettings();
    const { valuesOfStack } = await import('../cloud/aws/stack-settings.ts');
    const parameter = own.SETTINGS_PARAMETER === undefined ? {} : await valuesOfStack(own);
    const settings = settingsInEffect(service, undefined, parameter);
    console.log(json ? JSON.stringify(settings, null, 2) : settingsTable(settings));
  },
};
