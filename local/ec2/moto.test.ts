import assert from 'node:assert/strict';
import test, { after, before, describe } from 'node:test';
import {
  CreateTagsCommand,
  DescribeInstanceStatusCommand,
  DescribeInstancesCommand,
  type DescribeInstancesCommandInput,
  DescribeTagsCommand,
  type EC2Client,
  type Instance,
  RunInstancesCommand,
  type RunInstancesCommandInput,
  StartInstancesCommand,
  StopInstancesCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import { createEc2Clients } from '../../cloud/ec2/client.ts';
import { until } from '../../test/condition.fixture.ts';
import { REGION, startTestCloud, temporaryFolder } from '../cloud.fixture.ts';
import { type Moto, missingMoto, startMoto } from '../moto.fixture.ts';

/** One that moto has from the start. */
const IMAGE = 'ami-12c6146b';

/** What both must say: the outcome of one call, or the code of its error. */
type Answer = unknown;

async function codeOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'no error',
    (error: Error) => error.name,
  );
}

function run(ec2: EC2Client, more: Partial<RunInstancesCommandInput> = {}) {
  return ec2.send(
    new RunInstancesCommand({
      ImageId: IMAGE,
      InstanceType: 't2.micro',
      MinCount: 1,
      MaxCount: 1,
      TagSpecifications: [
        { ResourceType: 'instance', Tags: [{ Key: 'Name', Value: 'app-tier-instance-1' }] },
      ],
      ...more,
    }),
  );
}

async function describeAll(
  ec2: EC2Client,
  input: DescribeInstancesCommandInput = {},
): Promise<Instance[]> {
  const { Reservations = [] } = await ec2.send(new DescribeInstancesCommand(input));
  return Reservations.flatMap(({ Instances = [] }) => Instances);
}

async function settled(ec2: EC2Client, id: string, state: string): Promise<Instance> {
  return until(`${id} to be ${state}`, async () => {
    const [instance] = await describeAll(ec2, { InstanceIds: [id] });
    return instance?.State?.Name === state && instance;
  });
}

/**
 * Each is asked of both, from nothing, and must be answered alike. Left out is what moto does not do:
 * client tokens, filters by state code, wildcards in others than tags, and the check whether a tagged resource exists.
 */
const questions: Readonly<Record<string, (ec2: EC2Client) => Promise<Answer>>> = {
  async 'a life from launch to termination'(ec2) {
    const launched = await run(ec2);
    const id = launched.Instances![0]!.InstanceId!;
    const running = await settled(ec2, id, 'running');
    const terminating = await ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] }));
    const ended = await settled(ec2, id, 'terminated');
    return {
      reservation: /^r-[0-9a-f]+$/.test(launched.ReservationId ?? ''),
      id: /^i-[0-9a-f]{17}$/.test(id),
      launched: launched.Instances![0]!.State,
      running: running.State,
      image: running.ImageId,
      type: running.InstanceType,
      zone: running.Placement?.AvailabilityZone,
      index: running.AmiLaunchIndex,
      architecture: running.Architecture,
      tags: running.Tags,
      terminating: terminating.TerminatingInstances?.map((one) => ({
        current: one.CurrentState,
        previous: one.PreviousState,
      })),
      ended: ended.State,
      reason: ended.StateReason?.Code,
      transition: /^User initiated \(\d{4}-/.test(ended.StateTransitionReason ?? ''),
    };
  },

  async 'stopping and starting'(ec2) {
    const id = (await run(ec2)).Instances![0]!.InstanceId!;
    await settled(ec2, id, 'running');
    const InstanceIds = [id];
    const stopping = await ec2.send(new StopInstancesCommand({ InstanceIds }));
    const stopped = await settled(ec2, id, 'stopped');
    const starting = await ec2.send(new StartInstancesCommand({ InstanceIds }));
    const running = await settled(ec2, id, 'running');
    const changes = (list: typeof stopping.StoppingInstances) =>
      list?.map(({ CurrentState, PreviousState }) => [CurrentState?.Name, PreviousState?.Name]);
    await ec2.send(new TerminateInstancesCommand({ InstanceIds }));
    return {
      stopping: changes(stopping.StoppingInstances),
      stopped: stopped.State,
      starting: changes(starting.StartingInstances),
      running: running.State,
    };
  },

  async 'filters with wildcards'(ec2) {
    await run(ec2, { MinCount: 3, MaxCount: 3 });
    const count = async (Name: string, ...Values: string[]) =>
      (
        await describeAll(ec2, {
          Filters: [
            { Name, Values },
            { Name: 'instance-state-name', Values: ['pending', 'running'] },
          ],
        })
      ).length;
    const counts = [
      await count('tag:Name', 'app-tier-instance*'),
      await count('tag:Name', 'app-tier-instance-?'),
      await count('tag:Name', 'app-tier-instance'),
      await count('tag:Name', 'nobody', '*-1'),
      await count('tag-key', 'Name'),
      await count('image-id', IMAGE),
      await count('instance-type', 't2.micro'),
    ];
    const ids = (await describeAll(ec2)).map(({ InstanceId }) => InstanceId!);
    await ec2.send(new TerminateInstancesCommand({ InstanceIds: ids }));
    return counts;
  },

  async tags(ec2) {
    const id = (await run(ec2)).Instances![0]!.InstanceId!;
    await ec2.send(
      new CreateTagsCommand({ Resources: [id], Tags: [{ Key: 'drain', Value: '<yes> & "so"' }] }),
    );
    const { Tags } = await ec2.send(
      new DescribeTagsCommand({ Filters: [{ Name: 'resource-id', Values: [id] }] }),
    );
    await ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] }));
    return Tags?.map(({ Key, Value, ResourceType }) => [Key, Value, ResourceType]).sort();
  },

  async 'status of running instances'(ec2) {
    const id = (await run(ec2)).Instances![0]!.InstanceId!;
    await settled(ec2, id, 'running');
    const { InstanceStatuses } = await ec2.send(
      new DescribeInstanceStatusCommand({ InstanceIds: [id] }),
    );
    await ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] }));
    return InstanceStatuses?.map((one) => ({
      state: one.InstanceState,
      instance: one.InstanceStatus?.Status,
      system: one.SystemStatus?.Status,
    }));
  },

  async errors(ec2) {
    const missing = 'i-0123456789abcdef0';
    return {
      describe: await codeOf(describeAll(ec2, { InstanceIds: [missing] })),
      terminate: await codeOf(ec2.send(new TerminateInstancesCommand({ InstanceIds: [missing] }))),
      dryRun: await codeOf(run(ec2, { DryRun: true })),
    };
  },
};

const skip = await missingMoto();

describe('the embedded EC2 beside moto', { skip }, () => {
  const folder = temporaryFolder();
  let ours: Awaited<ReturnType<typeof startTestCloud>>;
  let theirs: ReturnType<typeof createEc2Clients>;
  let moto: Moto | undefined;

  before(async () => {
    ours = await startTestCloud(folder.path);
    moto = await startMoto();
    theirs = createEc2Clients({ AWS_REGION: REGION, AWS_ENDPOINT_URL: moto.url });
  });
  after(async () => {
    theirs?.destroy();
    await moto?.stop();
    await ours?.stop();
    folder.remove();
  });

  for (const [question, ask] of Object.entries(questions)) {
    test(question, async () => {
      assert.deepEqual(await ask(ours.clients.ec2), await ask(theirs.ec2));
    });
  }
});
