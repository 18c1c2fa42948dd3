import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { openQueue } from '../cloud/aws/sqs/queues.ts';
import { cloudNames } from '../cloud/contract/names.ts';
import { startTestCloud, type TestCloud } from '../test/cloud.fixture.ts';

const program = fileURLToPath(new URL('../elastic-face.ts', import.meta.url));
let cloud: TestCloud;
before(async () => {
  cloud = await startTestCloud();
});
after(() => cloud.close());

it('the command makes what is missing, says the names, and does no harm when run again', async () => {
  const names = cloudNames('another');
  const run = () =>
    promisify(execFile)(process.execPath, [program, 'provision', '--id', 'another'], {
      env: { ...process.env, AWS_ENDPOINT_URL: cloud.settings.AWS_ENDPOINT_URL },
    });
  const first = await run();
  const requests = await openQueue(cloud.clients.sqs, names.requestQueue);
  await requests.send('kept');
  const second = await run();
  assert.equal(second.stdout, first.stdout);
  assert.deepEqual(first.stdout.trim().split('\n'), [
    names.requestQueue,
    names.replyQueue,
    names.deadLetterQueue,
    names.inBucket,
    names.outBucket,
    names.peopleBucket,
  ]);
  assert.equal((await requests.depth()).visible, 1);
});
