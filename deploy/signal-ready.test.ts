import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { after, before, beforeEach, describe, it } from 'node:test';
import { SignalError, signalReady } from './signal-ready.ts';

const INSTANCE = 'i-0123456789abcdef0';
const TAKEN =
  '<SignalResourceResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></SignalResourceResponse>';
const DENIED =
  '<ErrorResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>not authorized</Message></Error></ErrorResponse>';

describe('a web instance of the stack', () => {
  /** The metadata service, the web tier and CloudFormation of this instance. */
  const server = createServer(async (request, response) => {
    const body = await text(request);
    if (request.url === '/latest/api/token') response.end('token');
    else if (request.url === '/latest/meta-data/instance-id') response.end(INSTANCE);
    else if (request.url === '/readyz') response.writeHead(readyAfter-- > 0 ? 503 : 200).end();
    else {
      signals.push(Object.fromEntries(new URLSearchParams(body)));
      response.writeHead(isDenied ? 403 : 200, { 'Content-Type': 'text/xml' });
      response.end(isDenied ? DENIED : TAKEN);
    }
  });
  const signals: Record<string, string>[] = [];
  /** Looks of the script before the web tier is ready. */
  let readyAfter = 0;
  let isDenied = false;
  let url: string;
  before(async () => {
    await once(server.listen(0, '127.0.0.1'), 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(() => void server.close().closeAllConnections());
  beforeEach(() => {
    signals.length = 0;
    isDenied = false;
  });
  const signal = (limitMs?: number): Promise<void> =>
    signalReady(
      {
        ...{ region: 'us-east-1', stack: 'elastic-face-demo', resource: 'InstancesWeb' },
        ...{ readyUrl: `${url}/readyz`, ...(limitMs === undefined ? {} : { limitMs }) },
      },
      { AWS_ENDPOINT_URL: url, AWS_EC2_METADATA_SERVICE_ENDPOINT: url },
    );
  const sent = () =>
    signals.map(({ Action, StackName, LogicalResourceId, UniqueId, Status }) => [
      ...[Action, StackName, LogicalResourceId, UniqueId, Status],
    ]);

  it('tells CloudFormation that it answers once its web tier does, and not before', async () => {
    readyAfter = 1;
    await signal();
    assert.equal(readyAfter, -1, 'it looked twice');
    assert.deepEqual(sent(), [
      ['SignalResource', 'elastic-face-demo', 'InstancesWeb', INSTANCE, 'SUCCESS'],
    ]);
  });

  it('tells CloudFormation that it does not answer, so that the update is undone', async () => {
    readyAfter = Number.POSITIVE_INFINITY;
    await assert.rejects(signal(50), SignalError);
    assert.deepEqual(
      signals.map(({ Status }) => Status),
      ['FAILURE'],
    );
  });

  it('says which right is missing where CloudFormation refuses', async () => {
    readyAfter = 0;
    isDenied = true;
    await assert.rejects(signal(), /cloudformation:SignalResource/);
  });
});
