/** The project's own stack for machines that are booted: local cloud, Redis, scaler and web tier on this machine. */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { createAwsClients } from '../../cloud/aws/clients.ts';
import { openQueue } from '../../cloud/aws/sqs/queues.ts';
import { cloudNames } from '../../cloud/contract/names.ts';
import { quiet, temporaryFolder } from '../../local/cloud.fixture.ts';
import type { StateName } from '../../local/ec2/fleet/instance.ts';
import { startStack } from '../../local/stack.ts';
import { readSettings, type SettingsInput } from '../../runtime/settings.ts';
import { until } from '../../test/condition.fixture.ts';
import { knownPhotos } from '../../test/photos.fixture.ts';
import { type Boot, type Booted, openFleet } from './machine.fixture.ts';

export interface BootBench {
  readonly machines: readonly Booted[];
  readonly webUrl: string;
  /** Every state that an instance has had since, by id. */
  readonly states: ReadonlyMap<string, readonly StateName[]>;
  /** Sends one of the course's photos; resolves with its answer and whether that is right. */
  send(number: number, name?: string): Promise<{ answer: string; right: boolean }>;
  /** The newest machine, once there are `count`. */
  machine(count: number, limitMs?: number): Promise<Booted>;
  /** Resolves when a worker has a request in its hands. */
  inHand(): Promise<unknown>;
  /** Resolves when EC2 lists the instance as terminated and nothing of it runs. */
  terminated(machine: Booted, limitMs: number): Promise<void>;
  /** What the scaler logged. */
  scalerLog(): Promise<string>;
  stop(): Promise<void>;
}

export async function openBootBench(
  boot: (cloudUrl: string) => Boot,
  settings: SettingsInput = {},
): Promise<BootBench> {
  const folder = temporaryFolder();
  const states = new Map<string, StateName[]>();
  let machines: readonly Booted[] = [];
  const stack = await startStack({
    settings: readSettings(
      {
        ...{ PROJECT_ID: 'boot', PORT: 0, LOCAL_CLOUD_PORT: 0, LOCAL_DATA_DIR: folder.path },
        // A machine stays until a test ends it.
        ...{ MAX_INSTANCES: 1, IDLE_SECONDS: 3600, ...settings },
      },
      {},
    ),
    log: quiet,
    machine: process.env,
    prepareModel: async () => undefined,
    signal: new AbortController().signal,
    launcher(cloudUrl) {
      const fleet = openFleet(boot(cloudUrl), join(folder.path, 'consoles'));
      machines = fleet.machines;
      return fleet.launch;
    },
    onInstanceChange: ({ id, state }) => states.set(id, [...(states.get(id) ?? []), state]),
  });
  const { images, expected } = await knownPhotos(100);
  const clients = createAwsClients(readSettings({ AWS_ENDPOINT_URL: stack.cloudUrl }, {}));
  const requests = await openQueue(clients.sqs, cloudNames('boot').requestQueue);
  const ask = async (number: number, name?: string) => {
    const [stem, person] = [...expected][number] ?? [];
    const form = new FormData();
    const photo = await readFile(join(images, `${stem}.jpg`));
    form.set('inputFile', new Blob([photo]), `${name ?? stem}.jpg`);
    const { ok, text } = await post(stack.webUrl, form);
    const answer = text.trim();
    return { answer, right: ok && answer.endsWith(`:${person}`) };
  };
  return {
    webUrl: stack.webUrl,
    states,
    get machines() {
      return machines;
    },
    send(number, name) {
      const answering = ask(number, name);
      // It is awaited after other steps: unheard meanwhile, a failure would end the process and leave machines.
      answering.catch(() => {});
      return answering;
    },
    machine: (count, limitMs = 60_000) =>
      until(`machine ${count}`, () => machines[count - 1], { limitMs }),
    inHand: () =>
      until('a request in hand', async () => (await requests.depth()).inFlight > 0, {
        limitMs: 900_000,
      }),
    async terminated({ instance, gone }, limitMs) {
      await until(
        `${instance.id} to be terminated`,
        () => states.get(instance.id)?.at(-1) === 'terminated',
        { limitMs, everyMs: 100 },
      );
      await gone;
    },
    scalerLog: () => readFile(join(stack.logFolder, 'scaler.log'), 'utf8'),
    async stop() {
      clients.destroy();
      await stack.stop();
      folder.remove();
    },
  };
}

/** Without a limit: `fetch` gives up after 300 s without an answer, and an emulated machine may take longer. */
async function post(url: string, form: FormData): Promise<{ ok: boolean; text: string }> {
  const body = new Response(form);
  const headers = { 'content-type': body.headers.get('content-type') ?? '' };
  const sent = request(url, { method: 'POST', headers });
  sent.end(Buffer.from(await body.arrayBuffer()));
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  let answer = '';
  for await (const chunk of response.setEncoding('utf8')) answer += chunk;
  return { ok: response.statusCode === 200, text: answer };
}
