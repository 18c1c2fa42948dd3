import assert from 'node:assert/strict';
import { Agent } from 'node:http';
import { after, before, describe, it } from 'node:test';
import { openQueue, type Queue } from '../../cloud/aws/sqs/queues.ts';
import { decodeRequest, encodeReply, type RequestMessage } from '../../cloud/contract/messages.ts';
import { silent, startTestCloud, type TestCloud } from '../../test/cloud.fixture.ts';
import { until } from '../../test/condition.fixture.ts';
import { formBody, plainPhoto, post, postPhoto } from '../../test/form.fixture.ts';
import { match } from '../api/api.fixture.ts';
import { startWeb, type WebService } from '../service.ts';

describe('a web service with changed settings', { timeout: 60_000 }, () => {
  let cloud: TestCloud;
  let web: WebService;
  let requests: Queue;
  let replies: Queue;
  let photo: Buffer;
  before(async () => {
    cloud = await startTestCloud({ MAX_UPLOAD_MB: 1 });
    web = await startWeb(cloud.settings, silent);
    requests = await openQueue(cloud.clients.sqs, cloud.names.requestQueue);
    replies = await openQueue(cloud.clients.sqs, cloud.names.replyQueue);
    photo = await plainPhoto();
    await until('the web tier', async () => (await fetch(`${url()}readyz`)).ok);
  });
  after(async () => {
    await web.stop();
    await cloud.close();
  });

  const url = (): string => `http://127.0.0.1:${web.port}/`;
  const take = async (): Promise<RequestMessage> => {
    const [message] = await requests.receive({ most: 1, waitSeconds: 10 });
    assert.ok(message, 'a request came');
    await requests.delete(message.receipt);
    return decodeRequest(message.body);
  };
  const reply = ({ id, file, node }: RequestMessage, name: string): Promise<void> =>
    replies.send(encodeReply({ id, file, node, outcome: { match: match(name) } }));
  const isTooLarge = async (bytes: number): Promise<boolean> =>
    (await postPhoto(url(), 'large.jpg', Buffer.alloc(bytes))).status === 413;

  it('takes the port of the earlier one, which still answers the requests it has', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const early = postPhoto(url(), 'early.jpg', photo);
    const taken = await take();
    assert.ok(!(await isTooLarge(900_000)));
    await post(`${url()}healthz`, Buffer.alloc(0), { agent });

    const { port } = web;
    web = await startWeb({ ...cloud.settings, MAX_UPLOAD_MB: 0.5 }, silent, web);
    assert.equal(web.port, port);
    assert.ok(await isTooLarge(900_000), 'the new limit holds');
    const sameConnection = post(url(), formBody([{ fileName: 'late.jpg', bytes: photo }]), {
      agent,
    });
    const late = await take();
    assert.notEqual(late.node, taken.node);
    await reply(late, 'Late');
    await reply(taken, 'Early');
    assert.equal((await sameConnection).text, 'late:Late');
    assert.equal((await early).text, 'early:Early');
    agent.destroy();
  });

  it('refuses no client meanwhile', async () => {
    let posting = true;
    const statuses = new Map<number | string, number>();
    const clients = Promise.all(
      [0, 1, 2, 3].map(async () => {
        while (posting) {
          const answer = await fetch(`${url()}healthz`, { headers: { connection: 'close' } }).then(
            ({ status }) => status,
            (error: Error) => error.message,
          );
          statuses.set(answer, (statuses.get(answer) ?? 0) + 1);
        }
      }),
    );
    for (const MAX_UPLOAD_MB of [1, 2, 3]) {
      web = await startWeb({ ...cloud.settings, MAX_UPLOAD_MB }, silent, web);
    }
    posting = false;
    await clients;
    assert.deepEqual([...statuses.keys()], [200]);
    assert.ok((statuses.get(200) ?? 0) > 20);
  });

  it('that cannot start leaves the earlier one in place', async () => {
    const wrong = { ...cloud.settings, PORT: web.port, HOST: '203.0.113.1' };
    await assert.rejects(startWeb(wrong, silent, web), /PORT \d+ cannot be opened/);
    assert.equal((await fetch(`${url()}readyz`)).status, 200);
  });

  it('may listen elsewhere; the earlier port closes', async () => {
    const earlier = url();
    web = await startWeb({ ...cloud.settings, HOST: '127.0.0.1' }, silent, web);
    assert.equal((await fetch(`${url()}readyz`)).status, 200);
    await until('the earlier port to close', () =>
      fetch(`${earlier}healthz`).then(
        () => false,
        () => true,
      ),
    );
  });
});
