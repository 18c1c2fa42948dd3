/** `elastic-face doctor`: checks this machine and an AWS account before anything is created. */
import type { CommandModule } from 'yargs';
import { EXIT } from '../runtime/process/exit.ts';

interface Flags {
  id?: string;
  machine: boolean;
  account: boolean;
}

export const command: CommandModule<object, Flags> = {
  command: 'doctor',
  describe:
    'Check this machine and the account that the environment names; exit 1 when something is wrong',
  builder: (args) =>
    args
      .option('id', { type: 'string', describe: 'project (default: PROJECT_ID, else local)' })
      .option('machine', { type: 'boolean', default: true, describe: 'check this machine' })
      .option('account', { type: 'boolean', default: true, describe: 'check the account' })
      .example('$0 doctor --id demo', 'check both, against AWS or AWS_ENDPOINT_URL')
      .example('$0 doctor --no-account', 'check only this machine') as never,
  handler: async ({ id, machine, account }) => {
    const [{ readSettings }, { readSettingsOfStack }, { createLogger }, { findings, table }] =
      await Promise.all([
        import('../runtime/settings.ts'),
        import('../cloud/aws/stack-settings.ts'),
        import('../runtime/log.ts'),
        import('./doctor/finding.ts'),
      ]);
    const settings = account
      ? await readSettingsOfStack({ PROJECT_ID: id })
      : readSettings({ PROJECT_ID: id });
    const found = [];
    if (machine) {
      const { machineChecks } = await import('./doctor/machine.ts');
      found.push(...(await findings(machineChecks(settings, createLogger('doctor', 'silent')))));
    }
    if (account) {
      const [{ accountChecks }, { createEc2Clients }, { sharedByClients }, { STSClient }] =
        await Promise.all([
          import('./doctor/account.ts'),
          import('../cloud/ec2/client.ts'),
          import('../cloud/aws/clients.ts'),
          import('@aws-sdk/client-sts'),
        ]);
      const clients = createEc2Clients(settings);
      const sts = new STSClient(sharedByClients(settings));
      found.push(...(await findings(accountChecks({ ...clients, sts }, settings))));
      clients.destroy();
      sts.destroy();
    }
    console.log(table(found));
    process.exitCode = found.some(({ verdict }) => verdict === 'wrong') ? EXIT.failed : EXIT.fine;
  },
};
