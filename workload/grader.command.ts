/**
 * `npm run grader`: the checks of the course's grader without its menu, each a sentence; exits 1 when
 * one fails. With the generator's flags it posts photos and watches the fleet go 0 → n → 0 meanwhile.
 */
import type { Argv, CommandModule, InferredOptionTypes } from 'yargs';
import { runOptions } from './plan.ts';

const options = {
  id: { type: 'string', describe: 'project id that names are made from; default: PROJECT_ID' },
  req_sqs: { type: 'string', describe: 'request queue; default: <id>-req-queue' },
  resp_sqs: { type: 'string', describe: 'response queue; default: <id>-resp-queue' },
  in_bucket: { type: 'string', describe: 'bucket of the photos; default: <id>-in-bucket' },
  out_bucket: { type: 'string', describe: 'bucket of the results; default: <id>-out-bucket' },
  access_keyId: { type: 'string', implies: 'access_key', describe: 'AWS access key id' },
  access_key: { type: 'string', implies: 'access_keyId', describe: 'AWS secret access key' },
  endpoint_url: { type: 'string', describe: 'endpoint; default: AWS_ENDPOINT_URL, else AWS' },
  region: { type: 'string', describe: 'AWS region; default: AWS_REGION' },
  expect_objects: { type: 'number', describe: 'objects that each bucket must hold' },
  expect_fleet: { type: 'number', describe: 'app-tier instances that must be there' },
  empty: {
    type: 'boolean',
    default: false,
    describe: 'first delete every object of both buckets and every message of both queues',
  },
  yes: {
    type: 'boolean',
    default: false,
    describe: 'with --empty and no endpoint: yes, on AWS itself',
  },
  watch: {
    type: 'boolean',
    default: false,
    describe: 'print the scaling table until Ctrl-C, or while the run lasts',
  },
  interval: { type: 'number', default: 2, describe: 'seconds between two looks at the system' },
  ...runOptions,
  max_instances: { type: 'number', describe: 'largest fleet allowed; default: MAX_INSTANCES' },
  settle_seconds: {
    type: 'number',
    default: 180,
    describe: 'seconds after the last answer by which the fleet must be gone',
  },
  json: { type: 'boolean', default: false, describe: 'print the result as one JSON object' },
} as const;

export type GraderFlags = InferredOptionTypes<typeof options>;

export const command: CommandModule<object, GraderFlags> = {
  command: 'grader',
  describe: 'check the system as the course’s grader does, at rest or through a whole run',
  builder: (yargs: Argv) =>
    yargs
      .options(options)
      .group(Object.keys(runOptions), 'A run to watch (as for `workload`):')
      .example('$0 grader --endpoint_url http://127.0.0.1:4566', 'the local stack at rest')
      .example('$0 grader --id 1229999999 --watch', 'the scaling table of a project on AWS')
      .example(
        '$0 grader --endpoint_url http://127.0.0.1:4566 --url http://127.0.0.1:8000/ --image_folder photos',
        'a run, and the fleet meanwhile',
      ),
  async handler(flags): Promise<void> {
    const { grade } = await import('./grade.ts');
    process.exitCode = await grade(flags);
  },
};
