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
  json: { type: 'boolean', default: false, describe: 'print every result as JSON' },
} as const;

type Flags = InferredOptionTypes<typeof options> & { what: string };

export const command: CommandModule<object, Flags> = {
  command: 'bench <what>',
  describe: 'measure: `scaling` simulates scaling policies, their cost and their latency',
  builder: (yargs: Argv) =>
    yargs
      .positional('what', { choices: ['scaling'], demandOption: true })
      .options(options) as unknown as Argv<Flags>,
  async handler({ workload, price, pictures, docs, json }: ArgumentsCamelCase<Flags>) {
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
