/**
 * The commands of docs/aws-guide.md and docs/operating.md for an account, as the AWS CLI reads them: each is sent to
 * moto, which may lack the service or the thing, but the CLI has to know command, flags and values.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { awsCliV2 } from '../../local/clients/aws-cli-v2.fixture.ts';
import { temporaryFolder } from '../../local/cloud.fixture.ts';
import { type Moto, missingMoto, startMoto } from '../../local/moto.fixture.ts';
import { CHECKOUT, commandsOf, documentation } from './markdown.fixture.ts';
import { wayOf } from './ways.fixture.ts';

const run = promisify(execFile);
const PAGES = ['docs/aws-guide.md', 'docs/operating.md'];
const SELF = 'test/docs/aws-commands.test.ts';
/** What stands for an operator's own things on the pages. */
const OWN: readonly (readonly [RegExp, string])[] = [
  [/ami-…/g, 'ami-12c6146b'],
  [/i-…/g, 'i-0123456789abcdef0'],
  [/BUCKET/g, 'source-bucket'],
];
/** How the CLI ends what it cannot read, before it sends anything. */
const MISREAD =
  /^usage:|Unknown options|[Ii]nvalid choice|arguments are required|Parameter validation failed|Bad value for --query|Error parsing parameter|SyntaxError/m;

const skip =
  process.env.CLIENTS === 'full'
    ? await missingMoto()
    : 'fetches version 2 of the AWS CLI (70 MB): set CLIENTS=full to run it';

describe('commands of the guide for an account', { skip, timeout: 300_000 }, async () => {
  let moto: Moto;
  let aws: string;
  const folder = temporaryFolder();
  before(async () => {
    aws = await awsCliV2(folder.path);
    moto = await startMoto();
  });
  after(async () => {
    await moto?.stop();
    folder.remove();
  });

  const pages = (await documentation()).filter(({ path }) => PAGES.includes(path));
  const lines = pages
    .flatMap(commandsOf)
    .map(({ line }) => line)
    .filter((line) => {
      const way = wayOf(line);
      return way !== undefined && 'by' in way && way.by === SELF;
    });

  for (const line of new Set(lines)) {
    it(line, async () => {
      // A stream of log lines never ends, and a session needs a program of AWS.
      const once = line.replace(/ --follow\b/, '');
      const given = OWN.reduce((text, [own, value]) => text.replace(own, value), once);
      const { stderr } = await run(
        'bash',
        ['-c', `aws() { timeout 20 '${aws}' --endpoint-url "$MOTO" "$@"; }\n${given}; exit 0`],
        {
          cwd: CHECKOUT,
          env: {
            ...process.env,
            MOTO: moto.url,
            AWS_CONFIG_FILE: '/dev/null',
            AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
            AWS_ACCESS_KEY_ID: 'local',
            AWS_SECRET_ACCESS_KEY: 'local',
            AWS_DEFAULT_REGION: 'us-east-1',
            AWS_MAX_ATTEMPTS: '1',
            AWS_PAGER: '',
          },
        },
      );
      assert.doesNotMatch(stderr, MISREAD);
    });
  }

  it('are there to be read', () => assert.ok(lines.length >= 20, `${lines.length} commands`));
});
