/** `npm run bench -- <what>`: measurements that take longer than tests. */
import type { ArgumentsCamelCase, Argv, CommandModule, InferredOptionTypes } from 'yargs';
import { SettingsError } from '../runtime/errors.ts';
import { showProgress } from './output.ts';
import { DEFAULT_DOLLARS_PER_HOUR } from './scaling/simulation/world.ts';

const options = {
  workload: {
    type: 'string',
    array: true,
    describe: '`scaling`: only these workloads (default: all)',
  },
  price: {
    type: 'number',
    default: DEFAULT_DOLLARS_PER_HOUR,
    describe: '`scaling`: dollars per instance-hour; the default is a t3.small in us-east-1',
  },
  pictures: { type: 'string', describe: 'write SVG pictures to this folder' },
  docs: {
    type: 'string',
    describe:
      'write the report into this Markdown file, between <!-- figures --> and <!-- /figures -->',
  },
  photos: {
    type: 'number',
    default: 1000,
    describe: '`service`, `cost`: number of photos posted at once',
  },
  assume: {
    type: 'string',
    array: true,
    describe:
      '`cost`: replace an assumption, NAME=NUMBER, e.g. `busy=0.5` or `c7i.large.photos=30`',
  },
  rounds: {
    type: 'number',
    default: 3,
    describe: '`service`, `page`, `precision`: number of rounds; the median or minimum is reported',
  },
  people: { type: 'number', default: 100, describe: '`people`: number of people to enrol' },
  seconds: {
    type: 'number',
    default: 60,
    describe: '`people`: seconds of changes while services are killed',
  },
  viewers: { type: 'number', default: 10, describe: '`page`: number of viewers' },
  variants: { type: 'number', default: 1000, describe: '`parity`: number of variants compared' },
  python: {
    type: 'string',
    describe:
      '`service`, `inference`, `parity`, `matching`: a Python with the peers’ packages (default: one is created in the user’s cache)',
  },
  quick: { type: 'boolean', default: false, describe: '`inference`: a short run, fewer rounds' },
  only: {
    choices: ['compact'],
    describe:
      '`inference`: `compact` measures only the compact encoder, compared with face-api and face_recognition',
  },
  parties: { type: 'string', array: true, describe: '`inference`: only these contestants' },
  images: {
    type: 'string',
    array: true,
    describe: '`inference`, `parity`: your own photos or folders; `odds`: photos of strangers',
  },
  faces: { type: 'number', default: 1_000_000, describe: '`matching`: faces in the gallery' },
  threads: { type: 'number', default: 1, describe: '`inference`: threads per contestant' },
  out: { type: 'string', describe: '`inference`: write all results to this file as JSON' },
  json: { type: 'boolean', default: false, describe: 'print all results as JSON' },
} as const;

type Given = InferredOptionTypes<typeof options>;
type Flags = Given & { what: string };

export const command: CommandModule<object, Flags> = {
  command: 'bench <what>',
  describe:
    'Measure: `inference` compares recognition with its peers; `scaling` simulates the cost and latency of scaling policies; `service` compares the whole system with the course’s design in Python; `cost` calculates dollars per million photos; `page` measures what the live view costs the web tier; `threshold` measures how well a distance separates known people from strangers; `odds` counts how often strangers come as near as odds promise; `people` enrols people and changes them while services are killed; `precision` compares PRECISION=auto with each fixed precision; `parity` compares boxes and embeddings with facenet-pytorch; `matching` measures a live gallery of a million faces',
  builder: (yargs: Argv) =>
    yargs
      .positional('what', {
        choices: [
          'inference',
          'scaling',
          'service',
          'cost',
          'page',
          'threshold',
          'odds',
          'people',
          'precision',
          'parity',
          'matching',
        ],
        demandOption: true,
      })
      .options(options)
      .check(({ photos, people, seconds, rounds, viewers, threads, variants, faces, price }) => {
        const counts = [photos, people, seconds, rounds, viewers, threads, variants, faces];
        const isGood = counts.every((n) => Number.isInteger(n) && n > 0);
        if (isGood && price >= 0) return true;
        throw new SettingsError(
          '--photos, --people, --seconds, --rounds, --viewers, --threads, --variants and --faces must be whole numbers from 1, --price a number from 0.',
        );
      })
      .example(
        '$0 bench inference --quick',
        'recognition compared with its peers, in a few minutes',
      )
      .example('$0 bench inference --only compact', 'the compact encoder compared with its peers')
      .example('$0 bench scaling --workload burst-100 day', 'only two workloads')
      .example(
        '$0 bench cost --assume busy=0.5',
        'with another assumption',
      ) as unknown as Argv<Flags>,
  async handler({ what, ...flags }: ArgumentsCamelCase<Flags>) {
    const begun = performance.now();
    try {
      const report = await (runs[what] ?? runScaling)(flags);
      progress.end();
      console.log(report);
    } finally {
      progress.end();
    }
    console.error(`Took ${((performance.now() - begun) / 1000).toFixed(0)} s.`);
  },
};

const progress = showProgress(process.stderr);

/** Each returns what to print. */
const runs: Readonly<Record<string, (flags: Given) => Promise<string>>> = {
  inference: runInference,
  scaling: runScaling,
  service: runService,
  cost: runCost,
  page: runPage,
  threshold: runThreshold,
  odds: runOdds,
  people: runPeople,
  precision: runPrecision,
  parity: runParity,
  matching: runMatching,
};

async function runScaling({ workload, price, pictures, docs, json }: Given): Promise<string> {
  const { benchScaling } = await import('./scaling/scaling.ts');
  const { workloads } = await import('./scaling/workloads.ts');
  return benchScaling(
    {
      workloads: workload ?? workloads.map(({ name }) => name),
      dollarsPerHour: price,
      pictures,
      docs,
      json,
    },
    (done, all) => progress.step('simulating', { done, all }),
  );
}

async function runService({ photos, rounds, python, pictures, json }: Given): Promise<string> {
  const { benchService } = await import('./service/service.ts');
  return benchService({ photos, rounds, python, pictures, json }, progress.say, progress.step);
}

async function runCost({ photos, assume = [], docs, json }: Given): Promise<string> {
  const { benchCost } = await import('./cost/cost.ts');
  return benchCost({ photos, assumptions: assume, docs, json }, progress.say);
}

async function runPage({ viewers, rounds, json }: Given): Promise<string> {
  const { benchPage } = await import('./page/page.ts');
  return benchPage({ viewers, rounds, json }, progress.step);
}

async function runThreshold(): Promise<string> {
  const { benchThreshold } = await import('./threshold/threshold.ts');
  return benchThreshold(progress.step);
}

async function runOdds({ images = [] }: Given): Promise<string> {
  const { benchOdds } = await import('./odds/odds.ts');
  return benchOdds({ images }, progress.step);
}

async function runPeople({ people, seconds, json }: Given): Promise<string> {
  const { benchPeople } = await import('./people/people.ts');
  return benchPeople({ people, seconds, json }, progress.step);
}

async function runPrecision({ rounds, json }: Given): Promise<string> {
  const { benchPrecision } = await import('./precision/precision.ts');
  return benchPrecision({ rounds, json }, progress.step);
}

async function runParity({ variants, images = [], python, json }: Given): Promise<string> {
  const { benchParity } = await import('./parity/parity.ts');
  return benchParity({ variants, images, python, json }, progress.step, progress.say);
}

async function runMatching({ faces, python, json }: Given): Promise<string> {
  const { benchMatching } = await import('./matching/matching.ts');
  return benchMatching({ faces, python, json }, progress.say, progress.step);
}

async function runInference(given: Given): Promise<string> {
  if (given.only === 'compact') return runCompact(given);
  const { pictures, docs, json, out, parties, images, quick, threads, python } = given;
  const { benchInference } = await import('./inference/inference.ts');
  const { publish } = await import('./inference/report/publish.ts');
  const results = await benchInference({
    parties,
    images,
    quick,
    threads,
    python,
    onStep: progress.step,
  });
  const words = await publish(results, { pictures, docs, out });
  return json ? JSON.stringify(results, null, 2) : words;
}

async function runCompact(given: Given): Promise<string> {
  const { docs, json, out, images, quick, threads, python } = given;
  const { benchCompact } = await import('./inference/compact/compact.ts');
  const { publishCompact } = await import('./inference/report/publish.ts');
  const results = await benchCompact({ images, quick, threads, python, onStep: progress.step });
  const words = await publishCompact(results, { docs, out });
  return json ? JSON.stringify(results, null, 2) : words;
}
