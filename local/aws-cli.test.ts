/** The AWS CLI lines of the documentation, run against the embedded cloud. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import { isDeepStrictEqual, promisify } from 'node:util';
import { provision } from '../cloud/aws/provision.ts';
import { openResults } from '../cloud/aws/s3/objects.ts';
import { readSettings } from '../runtime/settings.ts';
import { commandsOf, documentation } from '../test/docs/markdown.fixture.ts';
import { wayOf } from '../test/docs/ways.fixture.ts';
import { awsCliV2 } from './clients/aws-cli-v2.fixture.ts';
import { startTestCloud, temporaryFolder } from './cloud.fixture.ts';

const run = promisify(execFile);
const PAGES = ['docs/deploy.md', 'docs/aws-guide.md'];

interface Cli {
  readonly skip: string | false;
  /** @returns the shell's function `aws` */
  prepare(folder: string): Promise<string>;
}

const PROGRAMS: Readonly<Record<string, Cli>> = {
  'the AWS CLI of this machine': {
    skip: await run('aws', ['--version']).then(
      () => false as const,
      () => 'the AWS CLI is not on this machine (pip install awscli)',
    ),
    // Version 1 passes over AWS_ENDPOINT_URL for SQS: nothing may ever leave this machine.
    prepare: async () => 'aws() { command aws --endpoint-url "$AWS_ENDPOINT_URL" "$@"; }',
  },
  'version 2 of the AWS CLI': {
    skip: process.env.CLIENTS === 'full' ? false : 'fetches 70 MB: set CLIENTS=full to run it',
    prepare: async (folder) => `aws() { '${await awsCliV2(folder)}' "$@"; }`,
  },
};

/** The lines of the pages that test/docs leaves to this test. */
async function examples(): Promise<string[]> {
  const pages = (await documentation()).filter(({ path }) => PAGES.includes(path));
  return pages
    .flatMap(commandsOf)
    .map(({ line }) => line)
    .filter((line) => isDeepStrictEqual(wayOf(line), { by: 'local/aws-cli.test.ts' }));
}

for (const [name, { skip, prepare }] of Object.entries(PROGRAMS))
  onTheEmbeddedCloud(name, skip, prepare);

function onTheEmbeddedCloud(name: string, skip: Cli['skip'], prepare: Cli['prepare']): void {
  describe(`${name} on the embedded cloud`, { skip, timeout: 600_000 }, () => {
    const folder = temporaryFolder();
    const programs = temporaryFolder();
    let aws: string;
    let local: Awaited<ReturnType<typeof startTestCloud>>;
    before(async () => {
      aws = await prepare(programs.path);
      local = await startTestCloud(folder.path);
      await provision(local.clients, readSettings({}, {}));
      await openResults(local.clients.s3, 'local-out-bucket').put('test_000.jpg', {
        requestId: '0b9d3f0e-4a3e-4a52-9c0a-6d2a8b1c2d3e',
        match: {
          name: 'Paul',
          distance: 0.86,
          box: [1, 2, 30, 40],
          probability: 0.99,
          landmarks: [1, 2, 3, 4, 5].map((at) => [at, at]),
          nearest: [],
          width: 64,
          height: 64,
        },
      });
    });
    after(async () => {
      await local?.stop();
      folder.remove();
      programs.remove();
    });

    it('answers every line of the documentation', async () => {
      const lines = await examples();
      assert.ok(lines.length >= 6, 'there are lines to run');
      const said = new Map<string, string>();
      for (const line of lines) {
        const { stdout } = await run('bash', ['-euo', 'pipefail', '-c', `${aws}\n${line}`], {
          env: {
            ...process.env,
            AWS_CONFIG_FILE: '/dev/null',
            AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
            AWS_ENDPOINT_URL: local.cloud.url,
            AWS_DEFAULT_REGION: 'us-east-1',
            AWS_ACCESS_KEY_ID: 'local',
            AWS_SECRET_ACCESS_KEY: 'local',
          },
        });
        said.set(line.split(' ').slice(1, 3).join(' '), stdout);
      }
      assert.match(said.get('sqs list-queues') ?? '', /local-req-queue/);
      assert.match(said.get('sqs get-queue-attributes') ?? '', /ApproximateNumberOfMessages/);
      assert.equal(said.get('s3 cp'), 'test_000:Paul');
      assert.deepEqual(JSON.parse(said.get('ec2 describe-instances') ?? ''), []);
      assert.match(said.get('ec2 describe-images') ?? '', /ami-/);
      assert.match(said.get('sts get-caller-identity') ?? '', /"Account": "0{12}"/);
    });
  });
}
