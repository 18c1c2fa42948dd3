/** `elastic-face worker`: one app-tier worker against the cloud that the environment names. */
import type { CommandModule } from 'yargs';

interface WorkerArguments {
  model?: string;
  backend?: string;
  threads?: number;
  'log-level'?: string;
}

export const command: CommandModule<object, WorkerArguments> = {
  command: 'worker',
  describe: 'Run one worker, which takes requests from the queue and recognises their photos',
  builder: (args) =>
    args
      .option('model', {
        type: 'string',
        describe: 'Folder of the converted model (default: MODEL_DIR, else the user’s data folder)',
      })
      .option('backend', {
        type: 'string',
        describe: 'auto, tensorflow or wasm (default: BACKEND, else auto)',
      })
      .option('threads', {
        type: 'number',
        describe: 'Threads of the inference process (default: THREADS, else 1)',
      })
      .option('log-level', {
        type: 'string',
        describe: 'Log level (default: LOG_LEVEL, else info)',
      })
      .example('$0 worker', 'on an EC2 instance, whose user data names the project and Redis')
      .example(
        'AWS_ENDPOINT_URL=http://127.0.0.1:4566 REDIS_URL=redis://127.0.0.1 $0 worker',
        'another worker for a local stack',
      ),
  handler: async ({ model, backend, threads, 'log-level': logLevel }) => {
    const { runWorker } = await import('./run.ts');
    await runWorker({
      MODEL_DIR: model,
      BACKEND: backend,
      THREADS: threads,
      LOG_LEVEL: logLevel,
    });
  },
};
