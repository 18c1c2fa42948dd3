import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { RunInstancesCommand } from '@aws-sdk/client-ec2';
import { createAwsClients } from '../../cloud/aws/clients.ts';
import { provision } from '../../cloud/aws/provision.ts';
import { openQueue } from '../../cloud/aws/sqs/queues.ts';
import { parseUserData } from '../../cloud/ec2/metadata.ts';
import { REGION, startTestCloud, temporaryFolder } from '../../local/cloud.fixture.ts';
import type { Instance } from '../../local/ec2/fleet/instance.ts';
import { LOCAL_IMAGE_ID } from '../../local/ec2/lists/offers.ts';
import { readSettings } from '../../runtime/settings.ts';
import { until } from '../../test/condition.fixture.ts';
import { bakedRoot, bootMissing } from './image.fixture.ts';
import { type Booted, type Fleet, openFleet, untilConsole } from './machine.fixture.ts';
import { containerBoot, linesOf } from './nspawn.fixture.ts';

const SERVICES = ['redis-server', 'elastic-face-web', 'elastic-face-scaler'];
const PROJECT_ID = 'demo';
const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
const HERE = '/etc/elastic-face/here';
const OF_HERE = {
  AWS_EC2_METADATA_SERVICE_ENDPOINT: 'http://169.254.169.254',
  // The local cloud has no parameter store.
  SETTINGS_PARAMETER: '',
  ...{ AMI_ID: LOCAL_IMAGE_ID, LAUNCH_TEMPLATE_ID: '', SUBNET_ID: '' },
};
/** As cloud-init does it, which in a container asks for metadata without a token. */
const RUN_USER_DATA = `
at=http://169.254.169.254/latest
token=$(curl -sf -X PUT -H "X-aws-ec2-metadata-token-ttl-seconds: 60" $at/api/token)
curl -sf -H "X-aws-ec2-metadata-token: $token" $at/user-data >/root/user-data
# The local cloud has no CloudFormation that could be told: deploy/signal-ready.test.ts.
sed -i /signal-ready/d /root/user-data
bash /root/user-data`;
const HASH = '0123456789abcdef'.repeat(4);
/** What an operator gives the stack, and AWS itself. */
const PARAMETERS: Readonly<Record<string, string>> = {
  'AWS::Region': REGION,
  ApiKeys: `client:${HASH}`,
  AdminKeyHash: HASH,
  RatePerMinute: '0',
};

describe('a baked web image, booted on this kernel with the user data of the stack', {
  skip: bootMissing(),
  timeout: 1_800_000,
}, () => {
  const undo: (() => unknown)[] = [];
  const launched: Instance[] = [];
  let machine: Booted;
  let send: () => Promise<unknown>;
  before(async () => {
    const root = await bakedRoot('web');
    const folder = temporaryFolder();
    undo.push(() => folder.remove());
    let fleet: Fleet | undefined;
    const { cloud, clients, stop } = await startTestCloud(join(folder.path, 'cloud'), {
      launcher: (cloudUrl) => async (instance) => {
        // The user data overwrites the settings, so those that replace AWS on this machine are added after it.
        const services = ['elastic-face-web', 'elastic-face-scaler'];
        const files = Object.fromEntries([
          [HERE, linesOf({ ...OF_HERE, AWS_ENDPOINT_URL: cloudUrl })],
          ...services.map((name) => [
            `/etc/systemd/system/${name}.service.d/here.conf`,
            `[Service]\nEnvironmentFile=${HERE}\n`,
          ]),
        ]);
        const boot = containerBoot({ root, cloudUrl, environment: () => ({}), files });
        fleet ??= openFleet(boot, join(folder.path, 'consoles'));
        if (launched.push(instance) === 1) return fleet.launch(instance);
        // The workers that the machine's scaler launches are not booted here.
        const { promise, resolve } = Promise.withResolvers<string>();
        return { gone: promise, stop: () => resolve('powered off') };
      },
    });
    undo.push(stop);
    const settings = readSettings({ PROJECT_ID, AWS_ENDPOINT_URL: cloud.url }, {});
    const aws = createAwsClients(settings);
    undo.push(() => aws.destroy());
    await provision(aws, settings);
    const queue = await openQueue(aws.sqs, `${PROJECT_ID}-req-queue`);
    send = () => queue.send('a request');
    await clients.ec2.send(
      new RunInstancesCommand({
        ImageId: LOCAL_IMAGE_ID,
        InstanceType: 't3.small',
        MinCount: 1,
        MaxCount: 1,
        UserData: Buffer.from(await webUserData()).toString('base64'),
        InstanceInitiatedShutdownBehavior: 'terminate',
      }),
    );
    machine = await until('the machine', () => fleet?.machines[0]);
  });
  after(async () => {
    for (const step of undo.toReversed()) await step();
  });

  it('starts its services with the settings of its user data', async (t) => {
    await untilConsole(machine, /Reached target multi-user/, 60_000);
    await machine.shell(RUN_USER_DATA);
    t.diagnostic(`services up ${seconds(performance.now() - machine.poweredOnAt)} after power on`);
    for (const name of SERVICES) {
      const state = `systemctl is-active ${name}`;
      assert.equal(await machine.shell(state).catch(String), 'active', name);
    }
    const settings = await machine.shell('cat /etc/elastic-face/environment');
    assert.equal(parseUserData(settings).PROJECT_ID, PROJECT_ID);
    assert.equal(parseUserData(settings).REDIS_URL, `redis://${machine.instance.privateIp}:6379`);
    const ready = 'curl -s -o /dev/null -w "%{http_code}" http://127.0.0.1:8000/readyz';
    await until('the web tier to be ready', async () => (await machine.shell(ready)) === '200', {
      limitMs: 120_000,
      everyMs: 1000,
    });
  });

  it('launches a worker for the first request, with the settings that lead it back', async () => {
    await send();
    const worker = await until('a launch', () => launched[1], { limitMs: 120_000 });
    const settings = parseUserData(Buffer.from(worker.userData ?? '', 'base64').toString());
    assert.equal(settings.PROJECT_ID, PROJECT_ID);
    assert.equal(settings.REDIS_URL, `redis://${machine.instance.privateIp}:6379`);
  });

  it('stops its services in order when its power button is pressed', async (t) => {
    const begun = performance.now();
    const before = machine.console().length;
    machine.stop();
    await machine.gone;
    t.diagnostic(`powered off after ${seconds(performance.now() - begun)}`);
    assert.doesNotMatch(machine.console().slice(before), /Failed with result/);
  });
});

/** The script that the stack's template gives the web instance, with names in place of what it refers to. */
async function webUserData(): Promise<string> {
  // Here, so that a run that skips this file need not load the CDK.
  const { template } = await import('../stack/template.fixture.ts');
  const [web] = Object.values(template({ id: PROJECT_ID }).findResources('AWS::EC2::Instance'));
  const text = (value: unknown): string => {
    if (typeof value !== 'object' || value === null) return String(value);
    const [[name, inner] = []] = Object.entries(value);
    if (name === 'Fn::Base64') return text(inner);
    if (name === 'Fn::Join') {
      const [separator, parts] = inner as [string, unknown[]];
      return parts.map(text).join(separator);
    }
    return PARAMETERS[String(inner)] ?? 'name-0123456789abcdef0';
  };
  return text(web?.Properties.UserData);
}
