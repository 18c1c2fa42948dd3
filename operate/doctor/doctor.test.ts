import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { PutBucketVersioningCommand } from '@aws-sdk/client-s3';
import { GetQueueUrlCommand, ListQueueTagsCommand } from '@aws-sdk/client-sqs';
import { STSClient } from '@aws-sdk/client-sts';
import { createAwsClients, sharedByClients } from '../../cloud/aws/clients.ts';
import { countInstances } from '../../cloud/aws/inspection.ts';
import { provision } from '../../cloud/aws/provision.ts';
import { cloudNames } from '../../cloud/contract/names.ts';
import { createEc2Clients } from '../../cloud/ec2/client.ts';
import { startTestCloud, temporaryFolder } from '../../local/cloud.fixture.ts';
import { LOCAL_IMAGE_ID } from '../../local/ec2/lists/offers.ts';
import { type Moto, missingMoto, startMoto } from '../../local/moto.fixture.ts';
import { readSettings } from '../../runtime/settings.ts';
import { silent } from '../../test/cloud.fixture.ts';
import { modelDirectory } from '../../test/model.fixture.ts';
import { accountChecks } from './account.ts';
import { startDenials } from './denials.fixture.ts';
import { type Finding, findings, table } from './finding.ts';
import { machineChecks } from './machine.ts';

const program = fileURLToPath(new URL('../../elastic-face.ts', import.meta.url));

async function examine(
  endpoint: string,
  given: Record<string, unknown>,
): Promise<Map<string, Finding>> {
  const settings = readSettings({ PROJECT_ID: 'ill', ...given, AWS_ENDPOINT_URL: endpoint }, {});
  const clients = createEc2Clients(settings);
  const sts = new STSClient(sharedByClients(settings));
  try {
    const found = await findings(accountChecks({ ...clients, sts }, settings));
    return new Map(found.map((one) => [one.what, one]));
  } finally {
    clients.destroy();
    sts.destroy();
  }
}

describe('the doctor on an account', () => {
  const folder = temporaryFolder();
  let local: Awaited<ReturnType<typeof startTestCloud>>;
  before(async () => {
    local = await startTestCloud(folder.path);
    const settings = readSettings({ PROJECT_ID: 'well' }, {});
    await provision(local.clients, settings);
  });
  after(async () => {
    await local.stop();
    folder.remove();
  });

  it('finds nothing wrong where queues, buckets and the image are there', async () => {
    const found = await examine(local.cloud.url, { PROJECT_ID: 'well', AMI_ID: LOCAL_IMAGE_ID });
    assert.deepEqual(
      [...found.values()].filter(({ verdict }) => verdict !== 'right'),
      [],
    );
    assert.match(found.get('account')!.says, /account 000000000000/);
  });

  it('names each queue and bucket that is missing, with what makes it', async () => {
    const found = await examine(local.cloud.url, {});
    const { requestQueue, inBucket } = cloudNames('ill');
    for (const name of [requestQueue, inBucket]) {
      assert.equal(found.get(name)?.verdict, 'wrong');
      assert.match(found.get(name)!.says, /does not exist: deploy the stack/);
    }
  });

  it('names the rights to tag that a role lacks, and leaves no tag behind', async () => {
    const { requestQueue } = cloudNames('well');
    const rights = async (...denied: string[]): Promise<string> => {
      const deny = await startDenials(local.cloud.url, denied);
      const found = await examine(deny.url, { PROJECT_ID: 'well' });
      await deny.close();
      const { verdict, says } = found.get('right to tag')!;
      return `${verdict}: ${says}`;
    };
    assert.match(
      await rights('TagQueue'),
      /^wrong: the role needs sqs:TagQueue on well-req-queue:/,
    );
    assert.match(
      await rights('ListQueueTags', 'UntagQueue'),
      /needs sqs:ListQueueTags and sqs:UntagQueue on/,
    );
    assert.match(await rights(), /^right: /);
    const { sqs } = local.clients;
    const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName: requestQueue }));
    const { Tags = {} } = await sqs.send(new ListQueueTagsCommand({ QueueUrl }));
    assert.equal(Tags['elastic-face:doctor'], undefined);
  });

  it('says how to make the role that spot instances need', async (t) => {
    const other = temporaryFolder();
    const code = 'AuthFailure.ServiceLinkedRoleCreationNotPermitted';
    const { cloud, stop } = await startTestCloud(other.path, {
      imitation: { LOCAL_EC2_FAILURES: `RunInstances=1:${code}` },
    });
    t.after(() => stop().then(other.remove));
    const found = await examine(cloud.url, { AMI_ID: LOCAL_IMAGE_ID, SPOT: 'prefer' });
    assert.match(
      found.get('right to launch')!.says,
      /create-service-linked-role --aws-service-name spot\.amazonaws\.com/,
    );
  });

  it('names an image that does not exist, before anything is launched', async () => {
    const found = await examine(local.cloud.url, { AMI_ID: 'ami-0123456789abcdef0' });
    assert.match(found.get('image')!.says, /ami-0123456789abcdef0 does not exist in us-east-1/);
    assert.deepEqual(await countInstances(local.clients.ec2, '*'), {});
  });

  it('says when an endpoint does not answer', async () => {
    const found = await examine('http://127.0.0.1:1', {});
    for (const { verdict, what, says } of found.values()) {
      if (['image', 'right to tag', 'right to launch'].includes(what)) continue;
      assert.equal(verdict, 'wrong', what);
      assert.match(says, /no answer/);
    }
  });

  it('prints a table and exits with 1 when something is wrong', async () => {
    const { code, stdout } = await new Promise<{ code: unknown; stdout: string }>((resolve) => {
      execFile(
        process.execPath,
        [program, 'doctor', '--no-machine', '--id', 'ill'],
        { env: { ...process.env, AWS_ENDPOINT_URL: local.cloud.url } },
        (error, out) => resolve({ code: error?.code ?? 0, stdout: out }),
      );
    });
    assert.equal(code, 1);
    assert.match(stdout, /^ok {5}account/m);
    assert.match(stdout, /^WRONG {2}ill-req-queue/m);
  });
});

describe('the doctor on moto', { skip: await missingMoto(), timeout: 60_000 }, () => {
  let moto: Moto;
  before(async () => {
    moto = await startMoto();
  });
  after(() => moto.stop());

  it('names an instance type that the region does not have', async () => {
    const found = await examine(moto.url, { INSTANCE_TYPE: 'c7i.large,x99.huge' });
    assert.equal(found.get('instance types')?.verdict, 'wrong');
    assert.match(found.get('instance types')!.says, /^x99\.huge is not offered in us-east-1/);
  });

  it('names a people bucket whose old versions would keep people who are forgotten', async () => {
    const settings = readSettings({ PROJECT_ID: 'old', AWS_ENDPOINT_URL: moto.url }, {});
    const clients = createAwsClients(settings);
    await provision(clients, settings);
    const { peopleBucket } = cloudNames('old');
    const says = async (): Promise<string> => {
      const { verdict, says: words } = (await examine(moto.url, { PROJECT_ID: 'old' })).get(
        peopleBucket,
      )!;
      return `${verdict}: ${words}`;
    };
    assert.match(await says(), /^right: .* keeps no old versions/);
    await clients.s3.send(
      new PutBucketVersioningCommand({
        Bucket: peopleBucket,
        VersioningConfiguration: { Status: 'Enabled' },
      }),
    );
    assert.match(await says(), /^wrong: is versioned \(Enabled\): people who are forgotten/);
    clients.destroy();
  });
});

describe('the doctor on this machine', () => {
  const examined = async (given: Record<string, unknown>): Promise<Map<string, Finding>> => {
    const found = await findings(machineChecks(readSettings(given, {}), silent));
    return new Map(found.map((one) => [one.what, one]));
  };

  it('finds Node, memory and a whole model right, and a Redis that is not there wrong', async () => {
    const found = await examined({
      MODEL_DIR: await modelDirectory(),
      REDIS_URL: 'redis://127.0.0.1:1',
    });
    for (const what of ['Node', 'memory', 'model']) {
      assert.equal(found.get(what)?.verdict, 'right', found.get(what)?.says);
    }
    assert.equal(found.get('Redis')?.verdict, 'wrong');
  });

  it('says how to make a model when it is missing', async () => {
    const found = await examined({ MODEL_DIR: '/nowhere' });
    assert.match(found.get('model')!.says, /npm run convert/);
    assert.equal(found.get('Redis')?.verdict, 'unknown');
  });
});

it('findings are a table with one line each', () => {
  const lines = table([
    { what: 'a', verdict: 'right', says: 'well' },
    { what: 'longer', verdict: 'wrong', says: 'mend it.' },
  ]);
  assert.equal(lines, 'ok     a       well\nWRONG  longer  mend it.');
});
