/** The few calls that every test of the embedded EC2 makes, on a cloud of its own. */
import {
  DescribeInstancesCommand,
  type EC2Client,
  type Filter,
  type Instance,
  RunInstancesCommand,
  type RunInstancesCommandInput,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import { until } from '../../test/condition.fixture.ts';
import { LOCAL_IMAGE_ID } from './lists/offers.ts';

export function callsOf(ec2: EC2Client) {
  async function run(
    userData: string | undefined,
    more: Partial<RunInstancesCommandInput> = {},
  ): Promise<Instance[]> {
    const { Instances = [] } = await ec2.send(
      new RunInstancesCommand({
        ImageId: LOCAL_IMAGE_ID,
        InstanceType: 'c7i.large',
        MinCount: 1,
        MaxCount: 1,
        ...(userData === undefined ? {} : { UserData: Buffer.from(userData).toString('base64') }),
        ...more,
      }),
    );
    return Instances;
  }

  async function describe(filters: Filter[]): Promise<Instance[]> {
    const { Reservations = [] } = await ec2.send(
      new DescribeInstancesCommand({ Filters: filters }),
    );
    return Reservations.flatMap(({ Instances = [] }) => Instances);
  }

  const stateOf = async (id: string): Promise<string | undefined> =>
    (await describe([{ Name: 'instance-id', Values: [id] }]))[0]?.State?.Name;

  const becomes = (id: string, state: string): Promise<boolean> =>
    until(`${id} to be ${state}`, async () => (await stateOf(id)) === state);

  const terminate = (...ids: string[]) =>
    ec2.send(new TerminateInstancesCommand({ InstanceIds: ids }));
  return { run, describe, stateOf, becomes, terminate };
}

/** Launch parameters that give an instance its name. */
export const named = (name: string) => ({
  TagSpecifications: [
    { ResourceType: 'instance' as const, Tags: [{ Key: 'Name', Value: name }] },
    { ResourceType: 'volume' as const, Tags: [{ Key: 'Name', Value: name }] },
  ],
});
