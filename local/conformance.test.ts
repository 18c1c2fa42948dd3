/**
 * One suite over what cloud/ and scaler/ say to AWS, against the embedded cloud and against moto. Where
 * moto is known to differ stands in `DIFFERENCES`, with the reason; an unknown difference fails.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { provision } from '../cloud/aws/provision.ts';
import { queuesAndBuckets } from '../cloud/aws/sqs-and-s3.fixture.ts';
import { cloudNames } from '../cloud/contract/names.ts';
import { createEc2Clients, type Ec2Clients } from '../cloud/ec2/client.ts';
import { type Fleet, openFleet } from '../cloud/ec2/instances.ts';
import { readSettings } from '../runtime/settings.ts';
import type { TestProject } from '../test/cloud.fixture.ts';
import { until } from '../test/condition.fixture.ts';
import { startTestCloud, temporaryFolder } from './cloud.fixture.ts';
import { LOCAL_IMAGE_ID } from './ec2/lists/offers.ts';
import { missingMoto, startMoto } from './moto.fixture.ts';

/** One that moto has from the start. */
const MOTO_IMAGE = 'ami-12c6146b';
const noMoto = await missingMoto();

/** Behaviours of EC2 that a stand-in lacks, by name. */
const DIFFERENCES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'the embedded cloud': {},
  moto: {
    'the same token': 'moto takes a ClientToken and launches again all the same',
    'several together':
      'of a range, moto launches MinCount, where EC2 launches all there is room for',
  },
};

interface StandIn extends TestProject {
  readonly clients: Ec2Clients;
  readonly imageId: string;
}

async function project(
  url: string,
  given: Record<string, unknown>,
  imageId: string,
  close: () => Promise<void>,
): Promise<StandIn> {
  const settings = readSettings({ PROJECT_ID: 'same', ...given, AWS_ENDPOINT_URL: url }, {});
  const clients = createEc2Clients(settings);
  await provision(clients, settings);
  return {
    settings,
    names: cloudNames(settings.PROJECT_ID, settings.BUCKET_SUFFIX),
    clients,
    imageId,
    async close() {
      clients.destroy();
      await close();
    },
  };
}

async function embedded(given: Record<string, unknown>): Promise<StandIn> {
  const folder = temporaryFolder();
  const { cloud, stop } = await startTestCloud(folder.path);
  return project(cloud.url, given, LOCAL_IMAGE_ID, async () => {
    await stop();
    folder.remove();
  });
}

async function moto(given: Record<string, unknown>): Promise<StandIn> {
  const server = await startMoto();
  return project(server.url, given, MOTO_IMAGE, () => server.stop());
}

function fleets(
  where: string,
  start: (given: Record<string, unknown>) => Promise<StandIn>,
  skip: string | false,
): void {
  describe(`a fleet on ${where}`, { timeout: 90_000, skip }, () => {
    let standIn: StandIn;
    let fleet: Fleet;
    before(async () => {
      standIn = await start({});
      fleet = openFleet(standIn.clients.ec2, {
        projectId: 'same',
        imageId: standIn.imageId,
        userData: { PROJECT_ID: 'same' },
      });
    });
    after(() => standIn.close());

    const known = (behaviour: string): string | false => DIFFERENCES[where]?.[behaviour] ?? false;
    const place = { instanceType: 't3.small', subnetId: undefined, spot: false };
    const numbers = async (): Promise<number[]> => (await fleet.list()).map(({ number }) => number);
    const states = async (): Promise<string[]> => (await fleet.list()).map(({ state }) => state);
    const reach = (state: string) =>
      until(`every instance to be ${state}`, async () =>
        (await states()).every((one) => one === state),
      );

    it('one that is launched alone is named at once', async () => {
      const [one] = await fleet.launch({ numbers: [1], token: 'first', place });
      assert.equal(one?.number, 1);
      assert.deepEqual(await numbers(), [1]);
      assert.equal((await fleet.list())[0]?.unnamed, false);
    });

    it('the same token launches once', {
      skip: known('the same token'),
    }, async () => {
      await fleet.launch({ numbers: [1], token: 'first', place });
      assert.deepEqual(await numbers(), [1]);
    });

    it('several that are launched together have a number each before they are named', {
      skip: known('several together'),
    }, async () => {
      const more = await fleet.launch({ numbers: [2, 4], token: 'more', place });
      assert.deepEqual(
        more.map(({ number }) => number),
        [2, 4],
      );
      assert.deepEqual(await numbers(), [1, 2, 4]);
      for (const { id, number } of more) await fleet.name(id, number);
      assert.ok((await fleet.list()).every(({ unnamed }) => unnamed === false));
    });

    it('they stop, start again and end', async () => {
      await reach('running');
      const ids = (await fleet.list()).map(({ id }) => id);
      await fleet.stop(ids);
      await reach('stopped');
      await fleet.start(ids);
      await reach('running');
      await fleet.terminate(ids);
      await until('none to be listed', async () => (await fleet.list()).length === 0);
    });

    it('an instance of another project is not of this fleet', async () => {
      const other = openFleet(standIn.clients.ec2, {
        projectId: 'other',
        imageId: standIn.imageId,
        userData: {},
      });
      const [one] = await other.launch({ numbers: [1], token: 'other', place });
      assert.deepEqual(await numbers(), []);
      await other.terminate([one!.id]);
    });
  });
}

queuesAndBuckets('the embedded cloud', embedded);
fleets('the embedded cloud', embedded, false);
queuesAndBuckets('moto', moto, noMoto);
fleets('moto', moto, noMoto);
