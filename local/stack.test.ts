import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import test from 'node:test';
import { DescribeInstancesCommand } from '@aws-sdk/client-ec2';
import { openQueue } from '../cloud/aws/sqs/queues.ts';
import { createEc2Clients } from '../cloud/ec2/client.ts';
import { readSettings, type Settings } from '../runtime/settings.ts';
import { until } from '../test/condition.fixture.ts';
import { plainPhoto } from '../test/form.fixture.ts';
import { processesBelow } from '../test/start.fixture.ts';
import { quiet, startTestCloud, temporaryFolder } from './cloud.fixture.ts';
import type { Instance } from './ec2/fleet/instance.ts';
import type { LaunchMachine } from './ec2/fleet/machines.ts';
import { freePort } from './redis.ts';
import { asEnvironment, type StackOptions, startStack } from './stack.ts';

function options(settings: Partial<Settings>, more: Partial<StackOptions> = {}): StackOptions {
  return {
    settings: readSettings({ PORT: 0, LOCAL_CLOUD_PORT: 0, MAX_INSTANCES: 2, ...settings }, {}),
    log: quiet,
    machine: process.env,
    prepareModel: async () => undefined,
    signal: new AbortController().signal,
    ...more,
  };
}

test('settings go through an environment and come back the same', () => {
  const settings = readSettings(
    { PROJECT_ID: 'p', SCALE_OUT_THRESHOLD: 3, REDIS_URL: 'redis://127.0.0.1:1' },
    {},
  );
  assert.deepEqual(readSettings({}, asEnvironment(settings)), settings);
});

test('a stack comes up, reports a part that dies, and stops with nothing left', async () => {
  const folder = temporaryFolder();
  const stack = await startStack(options({ LOCAL_DATA_DIR: folder.path, PROJECT_ID: 'up' }));
  assert.ok((await fetch(`${stack.webUrl}/readyz`)).ok);
  const clients = createEc2Clients({ AWS_REGION: 'us-east-1', AWS_ENDPOINT_URL: stack.cloudUrl });
  const { Reservations } = await clients.ec2.send(
    new DescribeInstancesCommand({ Filters: [{ Name: 'tag:Name', Values: ['web-instance'] }] }),
  );
  assert.equal(Reservations?.[0]?.Instances?.[0]?.State?.Name, 'running');
  await openQueue(clients.sqs, 'up-req-queue');
  clients.destroy();

  const parts = await processesBelow(process.pid);
  const web = parts.find(({ command }) => / web\b/.test(command));
  process.kill(web!.pid, 'SIGKILL');
  await assert.rejects(stack.died, /The web service ended by SIGKILL.*web\.log/s);
  await stack.stop();
  assert.deepEqual(await processesBelow(process.pid), []);
  folder.remove();
});

test('instances run on what the caller launches, and end with the stack', async () => {
  const folder = temporaryFolder();
  const launched: Instance[] = [];
  let cloudUrl = '';
  const stopped: string[] = [];
  const launcher = (url: string): LaunchMachine => {
    cloudUrl = url;
    return async (instance) => {
      launched.push(instance);
      const { promise, resolve } = Promise.withResolvers<string>();
      return {
        gone: promise,
        stop: () => {
          stopped.push(instance.id);
          resolve('powered off');
        },
      };
    };
  };
  const settings = { LOCAL_DATA_DIR: folder.path, PROJECT_ID: 'own' };
  const stack = await startStack(options(settings, { launcher }));
  assert.equal(cloudUrl, stack.cloudUrl);
  const form = new FormData();
  form.set('inputFile', new Blob([await plainPhoto(3)]), 'a.jpg');
  const leaving = new AbortController();
  const post = fetch(stack.webUrl, { method: 'POST', body: form, signal: leaving.signal });
  const [instance] = await until('a launch', () => launched.length > 0 && launched);
  assert.match(Buffer.from(instance!.userData ?? '', 'base64').toString(), /^PROJECT_ID=own$/m);
  leaving.abort();
  await assert.rejects(post);
  await stack.stop();
  assert.deepEqual(
    stopped.includes(instance!.id) && new Set(stopped).size,
    new Set(launched.map(({ id }) => id)).size,
  );
  folder.remove();
});

test('two stacks run side by side on ports and folders of their own', async () => {
  const folders = [temporaryFolder(), temporaryFolder()];
  const stacks = await Promise.all(
    folders.map(({ path }) => startStack(options({ LOCAL_DATA_DIR: path }))),
  );
  assert.equal(new Set(stacks.flatMap(({ webUrl, cloudUrl }) => [webUrl, cloudUrl])).size, 4);
  await Promise.all(stacks.map((stack) => stack.stop()));
  for (const folder of folders) folder.remove();
});

test('a start that fails says which setting to change, and leaves nothing running', async () => {
  const folder = temporaryFolder();
  const server = createServer().listen(0);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await assert.rejects(
    startStack(options({ LOCAL_DATA_DIR: folder.path, PORT: port })),
    /Set PORT/,
  );
  await assert.rejects(
    startStack(options({ LOCAL_DATA_DIR: folder.path, LOCAL_CLOUD_PORT: port })),
    /LOCAL_CLOUD_PORT/,
  );
  server.close();
  const REDIS_URL = `redis://127.0.0.1:${await freePort()}`;
  await assert.rejects(
    startStack(options({ LOCAL_DATA_DIR: folder.path, REDIS_URL })),
    /REDIS_URL/,
  );
  await assert.rejects(
    startStack(
      options(
        { LOCAL_DATA_DIR: folder.path },
        { prepareModel: () => Promise.reject(new Error('no checkpoints')) },
      ),
    ),
    /no checkpoints/,
  );
  assert.deepEqual(await processesBelow(process.pid), []);
  // The folder is free again.
  await (await startTestCloud(folder.path)).stop();
  folder.remove();
});

test('a start that is called off while the model is made ends at once', async () => {
  const folder = temporaryFolder();
  const aborting = new AbortController();
  const starting = startStack(
    options(
      { LOCAL_DATA_DIR: folder.path },
      {
        signal: aborting.signal,
        prepareModel: () => {
          aborting.abort();
          return new Promise(() => undefined);
        },
      },
    ),
  );
  await assert.rejects(starting, /Stopped while starting/);
  await (await startTestCloud(folder.path)).stop();
  folder.remove();
});
