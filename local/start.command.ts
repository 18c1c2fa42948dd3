/** `elastic-face start`: the whole system on this machine, for a person at a terminal. */
import type { CommandModule } from 'yargs';

interface StartArguments {
  port?: number;
  maxInstances?: number;
  checkpoints?: string;
}

export const command: CommandModule<object, StartArguments> = {
  command: 'start',
  describe: 'Run everything on this machine: the embedded cloud, web tier, scaler and instances',
  builder: (args) =>
    args
      .option('port', {
        type: 'number',
        requiresArg: true,
        describe: 'Port of the web tier (default: PORT, else 8000)',
      })
      .option('max-instances', {
        type: 'number',
        describe: 'Maximum number of instances (default: MAX_INSTANCES, else by cores and memory)',
      })
      .option('checkpoints', {
        type: 'string',
        describe: 'Folder of the checkpoints to convert (default: FACE_CHECKPOINTS)',
      })
      .example('$0 start', 'web tier on port 8000, cloud on 4566')
      .example('PORT=8001 LOCAL_CLOUD_PORT=4567 LOCAL_DATA_DIR=/tmp/b $0 start', 'a second stack'),
  handler: async (args) => {
    const { runStart } = await import('./start.ts');
    await runStart({
      PORT: args.port,
      MAX_INSTANCES: args.maxInstances,
      FACE_CHECKPOINTS: args.checkpoints,
    });
  },
};
