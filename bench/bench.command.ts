/** `npm run bench -- <what>`: measurements that take longer than tests. */
import type { ArgumentsCamelCase, Argv, CommandModule, InferredOptionTypes } from 'yargs';
import { DEFAULT_DOLLARS_PER_HOUR } from './scaling/bill.ts';

const options = {
  workload: {
    type: 'string',
    array: true,
    describe: 'only these workloads of `scaling`; all of them when not given',
  },
  price: {
    type: 'number',
    default: DEFAULT_DOLLARS_PER_HOUR,
    describe: 'dollars an instance-hour; the default is a t3.small in us-east-1',
  },
  pictures: { type: 'string', describe: 'write SVG pictures into this folder' },
  docs: {
    type: 'string',
    describe:
      'put the report into this Markdown file, between <!-- figures --> and <!-- /figures -->',
  },
  photos: { type: 'number', default: 1000, describe: '`service`: photos of a crowd' },
  rounds: { type: 'number', default: 3, describe: '`service`: rounds, of which medians are taken' },
  python: {
    type: 'string',
    describe:
      '`service`: a Python that has PyTorch, facenet-pytorch, Flask and boto3 (default: one is made in the user’s cache)',
  },
  json: { type: 'boolean', default: false, describe: 'print every result as JSON' },
} as const;

type Flags = InferredOptionTypes<typeof options> & { what: string };

export const command: CommandModule<object, Flags> = {
  command: 'bench <what>',
  describe:
    'measure: `scaling` simulates scaling policies, their cost and their latency; `service` runs the whole system beside the course’s design in Python',
  builder: (yargs: Argv) =>
    yargs
      .positional('what', { choices: ['scaling', 'service'], demandOption: true })
      .options(options) as unknown as Argv<Flags>,
  async handler(flags: ArgumentsCamelCase<Flags>) {
    const { what, workload, price, pictures, docs, json, photos, rounds, python } = flags;
    if (what === 'service') {
      const { benchService } = await import('./service/service.ts');
      console.log(
        await benchService({ photos, rounds, python, pictures, json }, (words) =>
          console.error(words),
        ),
      );
      return;
    }
    const { benchScaling } = await import('./scaling/scaling.ts');
    const { workloads } = await import('./scaling/workloads.ts');
    const begun = performance.now();
    const words = await benchScaling(
      {
        workloads: workload ?? workloads.map(({ name }) => name),
        dollarsPerHour: price,
        pictures,
        docs,
        json,
      },
      (done, all) => {
        if (process.stderr.isTTY) process.stderr.write(`\r${done} of ${all} `);
      },
    );
    console.log(words);
    console.error(`Took ${((performance.now() - begun) / 1000).toFixed(0)} s.`);
  },
};
