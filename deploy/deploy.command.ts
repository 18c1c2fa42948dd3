/** `elastic-face deploy synth`: the project on AWS as a CloudFormation template. Calls no cloud. */
import type { CommandModule } from 'yargs';
import { ElasticFaceError, messageOf } from '../runtime/errors.ts';
import { stackOptionsSchema } from './stack/options.ts';

/** Flags are the options in kebab-case; what a value may be, the schema says. */
const optionNames = Object.keys(
  stackOptionsSchema.shape,
) as (keyof typeof stackOptionsSchema.shape)[];

type Flags = { what: string; out: string } & Record<string, unknown>;

export const command: CommandModule<object, Flags> = {
  command: 'deploy <what>',
  describe: 'Write the CloudFormation template of the project on AWS',
  builder: (args) => {
    for (const name of optionNames) {
      args.option(name, {
        type: 'string',
        describe: stackOptionsSchema.shape[name].description ?? '',
      });
    }
    return args
      .positional('what', { choices: ['synth'], type: 'string', demandOption: true })
      .option('out', {
        type: 'string',
        default: 'cdk.out',
        describe: 'folder for the template and what cdk-nag said of it',
      })
      .demandOption('id')
      .example(
        '$0 deploy synth --id demo --email ops@example.com',
        'writes cdk.out/elastic-face-demo.template.json',
      ) as never;
  },
  handler: async ({ out, ...given }) => {
    const { readStackOptions } = await import('./stack/options.ts');
    let options: ReturnType<typeof readStackOptions>;
    try {
      options = readStackOptions(given);
    } catch (cause) {
      throw new ElasticFaceError('deploy', messageOf(cause), { cause });
    }
    const { synthesize } = await import('./stack/app.ts').catch((cause: unknown) => {
      throw new ElasticFaceError(
        'deploy',
        'The packages that draw the stack are missing: install with `npm ci`, without --omit=dev.',
        { cause },
      );
    });
    console.log(synthesize(options, out));
  },
};
