/** `elastic-face scaler`: the scaler against the cloud that the environment names. */
import type { CommandModule } from 'yargs';

interface ScalerArguments {
  policy?: string;
  maxInstances?: number;
  threshold?: number;
  idleSeconds?: number;
}

export const command: CommandModule<object, ScalerArguments> = {
  command: 'scaler',
  describe:
    'Run the scaler, which launches app-tier instances when there is work and ends idle ones',
  builder: (args) =>
    args
      .option('policy', {
        choices: ['threshold', 'backlog', 'drain-time'],
        describe: 'Scaling policy (default: SCALE_POLICY, else threshold)',
      })
      .option('max-instances', {
        type: 'number',
        describe: 'Maximum number of instances (default: MAX_INSTANCES, else 20)',
      })
      .option('threshold', {
        type: 'number',
        describe:
          'Requests above which instances are launched (default: SCALE_OUT_THRESHOLD, else 0)',
      })
      .option('idle-seconds', {
        type: 'number',
        describe: 'Seconds an idle instance is kept (default: IDLE_SECONDS, else 10)',
      })
      .example(
        'REDIS_URL=redis://127.0.0.1 AMI_ID=ami-0123456789abcdef0 $0 scaler',
        'against AWS, in the region of AWS_REGION',
      ),
  handler: async ({ policy, maxInstances, threshold, idleSeconds }) => {
    const [{ runService }, { openSettingsParameter }, { startScaler }] = await Promise.all([
      import('../runtime/process/service.ts'),
      import('../cloud/aws/settings-parameter.ts'),
      import('./service.ts'),
    ]);
    const flags = {
      SCALE_POLICY: policy,
      MAX_INSTANCES: maxInstances,
      SCALE_OUT_THRESHOLD: threshold,
      IDLE_SECONDS: idleSeconds,
    };
    const service = await runService('scaler', flags, {
      start: startScaler,
      overlaps: false,
      source: openSettingsParameter,
    });
    process.send?.({ ready: true, listening: service.port });
  },
};
