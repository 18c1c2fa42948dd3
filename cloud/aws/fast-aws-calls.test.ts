import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import test, { after, beforeEach } from 'node:test';
import { GetObjectCommand, NoSuchKey, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import {
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  ListQueueTagsCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SQSClient,
  TagQueueCommand,
} from '@aws-sdk/client-sqs';
import { photoDigest } from '../contract/messages.ts';
import { type ObjectCalls, objectCalls, type QueueCalls, queueCalls } from './fast-aws-calls.ts';

interface Heard {
  readonly line: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

const heard: Heard[] = [];
/** Statuses of the next answers; 200 when there is none. */
const statuses: number[] = [];
let answer = '';
/** The next answer breaks off in its body. */
let breaksOff = false;
const server = createServer(async (request, response) => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const { method, url, headers } = request;
  heard.push({ line: `${method} ${url}`, headers, body: Buffer.concat(chunks).toString() });
  if (breaksOff) {
    breaksOff = false;
    response.writeHead(200, { 'content-length': 1000 });
    response.write(answer, () => response.destroy());
    return;
  }
  response.writeHead(statuses.shift() ?? 200).end(answer);
}).listen(0, '127.0.0.1');
await once(server, 'listening');
const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
after(() => server.close().closeAllConnections());
beforeEach(() => {
  heard.length = 0;
  answer = '';
});

const basis = { region: 'us-east-1', credentials: { accessKeyId: 'a', secretAccessKey: 'b' } };
const local = {
  s3: { ...basis, endpoint, forcePathStyle: true, requestChecksumCalculation: 'WHEN_REQUIRED' },
  sqs: { ...basis, endpoint, useQueueUrlAsEndpoint: false, md5: false },
} as const;

const JSON_SAYS = /^(content-type|host|x-amz-target)$/;
const S3_SAYS = /^(content-type|content-length|host|x-amz-meta-.*|x-amz-content-sha256)$/;

type Calls = ObjectCalls & QueueCalls;

function shortWay(s3: S3Client, sqs: SQSClient): Calls {
  return { ...objectCalls(s3), ...queueCalls(sqs) };
}

function wholeWay(s3: S3Client, sqs: SQSClient): Calls {
  return {
    async put(object) {
      await s3.send(new PutObjectCommand(object));
    },
    async get(Bucket, Key) {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
      return Body?.transformToByteArray();
    },
    send: (input) => sqs.send(new SendMessageBatchCommand(input)),
    receive: (input) => sqs.send(new ReceiveMessageCommand(input)),
    delete: (input) => sqs.send(new DeleteMessageBatchCommand(input)),
    attributes: (input) => sqs.send(new GetQueueAttributesCommand(input)),
    tags: (input) => sqs.send(new ListQueueTagsCommand(input)),
    async tag(input) {
      await sqs.send(new TagQueueCommand(input));
    },
  };
}

/** What is sent by either way for the same call: the short one is another before and after the client's first call. */
async function bothWays(send: (calls: Calls) => Promise<unknown>) {
  await send(wholeWay(new S3Client(local.s3), new SQSClient(local.sqs)));
  const short = shortWay(new S3Client(local.s3), new SQSClient(local.sqs));
  await send(short);
  await send(short);
  const [whole, first, later, ...more] = heard.map(({ line, body, headers }) => {
    const isJson = headers['x-amz-target'] !== undefined;
    return {
      line: line.replace(/\?x-id=\w+$/, ''), // Tells S3's access log what the method tells.
      body: isJson ? JSON.parse(body) : body,
      said: Object.fromEntries(
        Object.entries(headers).filter(([name]) => (isJson ? JSON_SAYS : S3_SAYS).test(name)),
      ),
      scope: /Credential=\S+/.exec(headers.authorization ?? '')?.[0],
    };
  });
  assert.equal(more.length, 0);
  const isShort = heard.slice(1).every((one) => !one.headers['amz-sdk-invocation-id']);
  return { whole, first, later, isShort };
}

const QueueUrl = `${endpoint}/000000000000/q`;
const calls: Readonly<Record<string, (calls: Calls) => Promise<unknown>>> = {
  'a photo is stored': (to) =>
    to.put({
      Bucket: 'in',
      Key: "~/1/a photo (1)!*'ü+&.jpg",
      Body: Buffer.from('bytes'),
      ContentType: 'image/jpeg',
    }),
  'a result is stored with its metadata': (to) =>
    to.put({
      Bucket: 'out',
      Key: 'a',
      Body: 'a:Jürgen',
      ContentType: 'text/plain',
      Metadata: { request: 'r', match: 'bWF0Y2g' },
    }),
  async 'a photo is fetched'(from) {
    answer = 'bytes';
    const bytes = await from.get('in', 'a b.jpg');
    assert.equal(Buffer.from(bytes ?? []).toString(), 'bytes');
  },
  async 'messages are sent'(to) {
    answer = '{"Failed":[{"Id":"0","Code":"c","SenderFault":true}]}';
    const MessageAttributes = { reason: { DataType: 'String', StringValue: 'x' } };
    const { Failed } = await to.send({
      QueueUrl,
      Entries: [{ Id: '0', MessageBody: 'ü', MessageAttributes }],
    });
    assert.equal(Failed?.[0]?.Code, 'c');
  },
  async 'messages are received'(from) {
    answer =
      '{"Messages":[{"MessageId":"m","Body":"b","Attributes":{"ApproximateReceiveCount":"2"}}]}';
    const { Messages } = await from.receive({
      QueueUrl,
      MaxNumberOfMessages: 10,
      WaitTimeSeconds: 0,
      MessageSystemAttributeNames: ['ApproximateReceiveCount'],
    });
    assert.equal(Messages?.[0]?.Attributes?.ApproximateReceiveCount, '2');
  },
  async 'messages are deleted'(from) {
    answer = '{"Successful":[{"Id":"0"}]}';
    await from.delete({ QueueUrl, Entries: [{ Id: '0', ReceiptHandle: 'r' }] });
  },
  async 'a queue is counted'(from) {
    answer = '{"Attributes":{"ApproximateNumberOfMessages":"3"}}';
    const { Attributes } = await from.attributes({
      QueueUrl,
      AttributeNames: ['ApproximateNumberOfMessages'],
    });
    assert.equal(Attributes?.ApproximateNumberOfMessages, '3');
  },
  async 'the tags of a queue are read'(from) {
    answer = '{"Tags":{"a":"b c"}}';
    const { Tags } = await from.tags({ QueueUrl });
    assert.equal(Tags?.a, 'b c');
  },
  // SQS answers without a body.
  'a queue is tagged': (to) => to.tag({ QueueUrl, Tags: { a: 'b c' } }),
};

for (const [what, send] of Object.entries(calls)) {
  test(`${what}: the short way says the same as the SDK's own`, async () => {
    const { whole, first, later, isShort } = await bothWays(send);
    assert.ok(isShort);
    assert.deepEqual(first, whole);
    assert.deepEqual(later, whole);
  });
}

const letter = { Bucket: 'in', Key: 'a', Body: 'x', ContentType: 'text/plain' };

test('a call that fails goes the SDK’s way, which repeats it', async () => {
  statuses.push(503, 503);
  await objectCalls(new S3Client(local.s3)).put(letter);
  assert.deepEqual(
    heard.map(({ headers }) => headers['amz-sdk-request']),
    [undefined, 'attempt=1; max=3', 'attempt=2; max=3'],
  );
});

test('an answer that breaks off is asked for again, the SDK’s way', async () => {
  const { get } = objectCalls(new S3Client(local.s3));
  answer = 'bytes';
  await get('in', 'a');
  breaksOff = true;
  assert.equal(Buffer.from((await get('in', 'a')) ?? []).toString(), 'bytes');
  assert.deepEqual(
    heard.map(({ headers }) => headers['amz-sdk-request']),
    [undefined, undefined, 'attempt=1; max=3'],
  );
});

test('an object that is not there is told as the SDK tells it', async () => {
  answer = '<Error><Code>NoSuchKey</Code></Error>';
  statuses.push(404, 404);
  await assert.rejects(objectCalls(new S3Client(local.s3)).get('in', 'a'), NoSuchKey);
});

test('on AWS the addresses and what is signed are those of the SDK', async () => {
  const seen: string[] = [];
  const requestHandler = {
    metadata: { handlerProtocol: 'http/1.1' },
    async handle(request: Record<'protocol' | 'hostname' | 'path', string> & { headers: object }) {
      const { authorization = '', ...headers } = request.headers as Record<string, string>;
      const scope = /Credential=\S+/.exec(authorization)?.[0];
      const { protocol, hostname, path } = request;
      const token = headers['x-amz-security-token'];
      seen.push(`${protocol}//${hostname}${path} ${headers.host} ${scope} ${token}`);
      const body = Readable.from([Buffer.from('{}')]);
      return { response: { statusCode: 200, headers: {}, body } };
    },
  };
  const credentials = { ...basis.credentials, sessionToken: 'token' };
  const settings = { region: 'eu-west-1', credentials, requestHandler: requestHandler as never };
  const Bucket = 'x-in-bucket';
  const queue = 'https://sqs.eu-west-1.amazonaws.com/123456789012/x-req-queue';
  for (const way of [wholeWay, shortWay]) {
    const to = way(new S3Client(settings), new SQSClient(settings));
    await to.put({ ...letter, Bucket, Key: 'a b.jpg' });
    await to.delete({ QueueUrl: queue, Entries: [] });
  }
  assert.equal(seen.length, 4);
  assert.deepEqual(seen.slice(2), seen.slice(0, 2));
  assert.match(seen[2] as string, /^https:\/\/x-in-bucket\.s3\.eu-west-1\.amazonaws\.com\/a%20b/);
});

test('the signature is over the bytes that are sent', async () => {
  await objectCalls(new S3Client(local.s3)).put(letter);
  const { 'x-amz-content-sha256': digest = '', authorization } = heard[0]?.headers ?? {};
  assert.equal(
    Buffer.from(`${digest}`, 'hex').toString('base64url'),
    photoDigest(Buffer.from('x')),
  );
  assert.match(authorization ?? '', /SignedHeaders=[^,]*host;[^,]*x-amz-content-sha256/);
});

test('credentials that end are renewed before the next call, as an instance’s are', async () => {
  let given = 0;
  const s3 = new S3Client({
    ...local.s3,
    // Each ends within the time before its end in which the SDK renews it.
    credentials: async () => ({
      accessKeyId: `key${++given}`,
      secretAccessKey: 'b',
      sessionToken: `token${given}`,
      expiration: new Date(Date.now() + 1000),
    }),
  });
  const calls = objectCalls(s3);
  await calls.get('in', 'a');
  await calls.get('in', 'a');
  const [first, second] = heard.map(({ headers }) => headers);
  assert.equal(heard.length, 2);
  const keyOf = (headers: IncomingHttpHeaders | undefined) =>
    /Credential=(\w+)/.exec(headers?.authorization ?? '')?.[1];
  assert.notEqual(keyOf(first), keyOf(second));
  assert.equal(second?.['x-amz-security-token'], keyOf(second)?.replace('key', 'token'));
});
