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
    const [
      { readServiceSettings },
      { createLogger },
      { leaveWithParent, stopOnSignals },
      { startWeb },
      { openSupervisor },
    ] = await Promise.all([
      import('../runtime/settings.ts'),
      import('../runtime/log.ts'),
      import('../runtime/process/stop.ts'),
      import('./service.ts'),
      import('../runtime/process/systemd.ts'),
    ]);
    const settings = readServiceSettings('web', { PORT: port });
    const log = createLogger('web', settings.LOG_LEVEL);
    const service = await startWeb(settings, log);
    const supervisor = openSupervisor({ log });
    stopOnSignals(log, () => {
      supervisor.stopping();
      return service.stop();
    });
    leaveWithParent(log);
    supervisor.ready();
    process.send?.({ listening: service.port });
  },
};
