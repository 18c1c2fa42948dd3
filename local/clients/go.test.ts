/** The AWS SDK for Go on the embedded cloud, by the program in `go/`. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { provision } from '../../cloud/aws/provision.ts';
import { readSettings } from '../../runtime/settings.ts';
import { startTestCloud, temporaryFolder } from '../cloud.fixture.ts';

const run = promisify(execFile);
const PROGRAM = fileURLToPath(new URL('./go/', import.meta.url));

async function missingGo(): Promise<string | false> {
  if (process.env.CLIENTS !== 'full') {
    return 'fetches and compiles the SDK for Go, which takes minutes: set CLIENTS=full to run it';
  }
  return run('go', ['version']).then(
    () => false,
    () => 'Go is not on this machine',
  );
}

describe('the AWS SDK for Go on the embedded cloud', {
  skip: await missingGo(),
  timeout: 900_000,
}, () => {
  const folder = temporaryFolder();
  let local: Awaited<ReturnType<typeof startTestCloud>>;
  before(async () => {
    local = await startTestCloud(folder.path);
    await provision(local.clients, readSettings({}, {}));
  });
  after(async () => {
    await local?.stop();
    folder.remove();
  });

  it('sends and receives, puts and gets, launches and terminates as on AWS', async () => {
    const binary = `${folder.path}/client`;
    await run('go', ['build', '-o', binary, '.'], { cwd: PROGRAM });
    const { stdout } = await run(binary, [], {
      env: {
        AWS_ENDPOINT_URL: local.cloud.url,
        AWS_REGION: 'us-east-1',
        AWS_ACCESS_KEY_ID: 'local',
        AWS_SECRET_ACCESS_KEY: 'local',
        AWS_CONFIG_FILE: '/dev/null',
        AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
        HOME: folder.path,
      },
    });
    assert.deepEqual(JSON.parse(stdout), {
      sqs: { received: 3, from: 'go', visible: '0', inFlight: '0' },
      s3: {
        text: 'photo',
        type: 'image/jpeg',
        large: 5 * 1024 * 1024 + 1024,
        keys: ['a folder/photo +1.jpg', 'large'],
      },
      ec2: { images: 1, running: 1 },
    });
  });
});
