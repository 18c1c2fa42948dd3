/** `elastic-face web`: the web tier against the cloud that the environment names. */
import type { CommandModule } from 'yargs';

interface WebArguments {
  port?: number;
}

export const command: CommandModule<object, WebArguments> = {
  command: 'web',
  describe: 'Run the web tier: takes photos over HTTP and answers with names',
  builder: (args) =>
    args
      .option('port', {
        type: 'number',
        requiresArg: true,
        describe: 'Port to listen on (default: PORT, else 8000)',
      })
      .example('REDIS_URL=redis://127.0.0.1 $0 web', 'against AWS, in the region of AWS_REGION'),
  handler: async ({ port }) => {
    const [{ runService }, { openSettingsParameter }, { startWeb }] = await Promise.all([
      import('../runtime/process/service.ts'),
      import('../cloud/aws/settings-parameter.ts'),
      import('./service.ts'),
    ]);
    const parts = { start: startWeb, overlaps: true, source: openSettingsParameter };
    const service = await runService('web', { PORT: port }, parts);
    process.send?.({ listening: service.port });
  },
};
