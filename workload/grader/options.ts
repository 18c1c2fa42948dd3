/** The options of the grader command. */
import type { InferredOptionTypes } from 'yargs';
import { runOptions } from '../run.ts';

export const graderOptions = {
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

export type GraderFlags = InferredOptionTypes<typeof graderOptions>;
