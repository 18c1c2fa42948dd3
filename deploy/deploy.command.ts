/** `elastic-face deploy`: the project on AWS as a template, which calls no cloud, and its end there. */
import type { CommandModule } from 'yargs';
import { ElasticFaceError, messageOf, SettingsError } from '../runtime/errors.ts';
import { type StackOptions, stackOptionsSchema } from './stack/options.ts';

/** Flags are the options in kebab-case; what a value may be, the schema says. */
const optionNames = Object.keys(
  stackOptionsSchema.shape,
) as (keyof typeof stackOptionsSchema.shape)[];

type Flags = { what: string; out: string; yes: boolean; newKeys: boolean } & Record<
  string,
  unknown
>;

export const command: CommandModule<object, Flags> = {
  command: 'deploy <what>',
  describe:
    'Write the CloudFormation template of a project (synth), print IAM policies for operators (policies), or delete everything the project created on AWS (destroy)',
  builder: (args) => {
    for (const name of optionNames) {
      args.option(kebabCase(name), {
        type: isFlag(name) ? 'boolean' : 'string',
        describe: stackOptionsSchema.shape[name].description ?? '',
      });
    }
    return args
      .positional('what', {
        choices: ['synth', 'policies', 'destroy'],
        type: 'string',
        demandOption: true,
      })
      .option('out', {
        type: 'string',
        default: 'cdk.out',
        describe: 'folder for the template and cdk-nag’s report',
      })
      .option('yes', {
        type: 'boolean',
        default: false,
        describe: '`destroy`: delete; without it, the command only lists what exists',
      })
      .option('new-keys', {
        type: 'boolean',
        default: false,
        describe: '`synth`: also make the keys of a first deployment and show them, this once',
      })
      .demandOption('id')
      .example(
        '$0 deploy synth --id demo --certificate-arn arn:aws:acm:… --new-keys',
        'writes cdk.out/elastic-face-demo.template.json and shows the first keys',
      )
      .example('$0 deploy policies --id demo', 'prints what provision, doctor and destroy may do')
      .example('$0 deploy destroy --id demo', 'lists what exists')
      .example(
        '$0 deploy destroy --id demo --yes',
        'deletes all of it, photos and answers too',
      ) as never;
  },
  handler: async ({ what, out, yes, newKeys, ...given }) => {
    const { readStackOptions, requireClosed, requireTogether } = await import('./stack/options.ts');
    let options: StackOptions;
    try {
      options = readStackOptions(given);
      if (what === 'synth') {
        requireClosed(options);
        requireTogether(options);
      }
    } catch (cause) {
      throw new SettingsError(messageOf(cause), { cause });
    }
    if (what === 'destroy') return end(options, yes);
    if (what === 'policies') {
      const { operatorPolicies } = await import('./operator-policies.ts');
      console.log(JSON.stringify(operatorPolicies(options.id, options.region), undefined, 2));
      return;
    }
    const { synthesize } = await import('./stack/stack.ts').catch((cause: unknown) => {
      throw new ElasticFaceError(
        'deploy',
        'The packages that create the template are missing. Install them with `npm ci`, without --omit=dev.',
        { cause },
      );
    });
    const template = synthesize(options, out);
    console.log(template);
    if (options.email === undefined) {
      console.error('Alarms will reach nobody: give --email to have them mailed.');
    }
    if (newKeys && options.keys === 'required') await showNewKeys(options, template);
  },
};

function kebabCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function isFlag(name: keyof typeof stackOptionsSchema.shape): boolean {
  return typeof stackOptionsSchema.shape[name].safeParse(undefined).data === 'boolean';
}

/** The stack holds the hashes of keys only, so nothing and nobody can show them later. */
async function showNewKeys(options: StackOptions, template: string): Promise<void> {
  const { id, region } = options;
  const [{ keyHash, makeKey }, { stackName }, { bucketEndings }] = await Promise.all([
    import('../web/keys.ts'),
    import('./destroy.ts'),
    import('./stack/options.ts'),
  ]);
  const names =
    options.bucketNames === 'account' ? ` BucketNames=${bucketEndings(options)[0]}` : '';
  const [client, admin] = [makeKey(), makeKey()];
  console.log(`
Keep these keys: they are shown this once, and the stack holds only their hashes.
  key for clients   ${client}
  key for /metrics  ${admin}

Create the stack with them; later deployments leave out what does not change:
  aws cloudformation deploy --region ${region} --stack-name ${stackName(id)} --template-file ${template} \\
    --capabilities CAPABILITY_IAM --parameter-overrides WorkerImage=ami-… WebImage=ami-…${names} \\
    ApiKeys=client:${keyHash(client)} \\
    AdminKeyHash=${keyHash(admin)}`);
}

async function end({ id, region }: StackOptions, yes: boolean): Promise<void> {
  const [{ CloudFormationClient }, { sharedByClients }, { createEc2Clients }, settings, steps] =
    await Promise.all([
      import('@aws-sdk/client-cloudformation'),
      import('../cloud/aws/clients.ts'),
      import('../cloud/ec2/client.ts'),
      import('../runtime/settings.ts'),
      import('./destroy.ts'),
    ]);
  const set = settings.readSettings({ AWS_REGION: region });
  const parts = {
    clients: createEc2Clients(set),
    cloudFormation: new CloudFormationClient(sharedByClients(set)),
    say: (sentence: string) => console.log(sentence),
  };
  try {
    const found = await steps.inventory(id, parts);
    if (found.length === 0) console.log(`There is nothing of ${id} in ${set.AWS_REGION}.`);
    else if (!yes) {
      console.log(`There is of ${id} in ${set.AWS_REGION}: ${found.join(', ')}.`);
      console.log('Nothing was done. --yes ends all of it; photos and answers are lost then.');
    } else await steps.destroy(id, parts);
  } finally {
    parts.clients.destroy();
    parts.cloudFormation.destroy();
  }
}
