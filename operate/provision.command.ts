/** `elastic-face provision`: creates the project's queues and buckets without a stack. */
import type { CommandModule } from 'yargs';
import { ElasticFaceError, messageOf } from '../runtime/errors.ts';

export const command: CommandModule<object, { id?: string }> = {
  command: 'provision',
  describe: 'Create the missing queues and buckets of a project, and set their rules',
  builder: (args) =>
    args
      .option('id', {
        type: 'string',
        describe: 'Project id (default: PROJECT_ID, else local)',
      })
      .example(
        '$0 provision --id demo',
        'demo-req-queue, demo-resp-queue, their dead letters, demo-in-bucket, demo-out-bucket, demo-people-bucket',
      ),
  handler: async ({ id }) => {
    const { readSettingsOfStack } = await import('../cloud/aws/stack-settings.ts');
    const { createAwsClients } = await import('../cloud/aws/clients.ts');
    const { cloudNames } = await import('../cloud/contract/names.ts');
    const { provision } = await import('../cloud/aws/provision.ts');
    const settings = await readSettingsOfStack({ PROJECT_ID: id });
    const clients = createAwsClients(settings);
    try {
      await provision(clients, settings).catch((cause: unknown) => {
        if (cause instanceof ElasticFaceError) throw cause;
        throw new ElasticFaceError(
          'provision',
          `Cannot create queues and buckets (${messageOf(cause)}): check AWS_ENDPOINT_URL, the credentials and AWS_REGION.`,
          { cause },
        );
      });
    } finally {
      clients.destroy();
    }
    const names = cloudNames(settings.PROJECT_ID, settings.BUCKET_SUFFIX);
    for (const name of [
      names.requestQueue,
      names.replyQueue,
      names.deadLetterQueue,
      names.inBucket,
      names.outBucket,
      names.peopleBucket,
    ]) {
      console.log(name);
    }
  },
};
