/**
 * SQS and S3 of the embedded cloud: fauxqs in this process, on the disk, without a port of its own.
 * Knows nothing about how requests come in.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { DatabaseSync } from 'node:sqlite';
import { type BuildAppOptions, buildApp } from 'fauxqs';
import type { Logger } from '../runtime/log.ts';
import { deleteExpired, type ObjectStore } from './s3/retention.ts';
import { openS3 } from './s3/service.ts';
import { Buckets, type ObjectStore as S3Store } from './s3/store.ts';
import { layOverSqs } from './sqs/layer.ts';
import { keepOneSetOfQueues, type Queue, wakeOnePollAMessage } from './sqs/queues.ts';

/** fauxqs takes 11 MiB; a browser's form may hold the largest photo that the settings allow. */
const MOST_FORM_BYTES = 600 * 1024 * 1024;

type App = ReturnType<typeof buildApp>;
type Stores = NonNullable<BuildAppOptions['stores']>;

export interface QueuesAndObjects {
  /** Answers one HTTP request of SQS. */
  answer(request: IncomingMessage, response: ServerResponse): void;
  /** Answers one HTTP request of S3. */
  answerS3(request: IncomingMessage, response: ServerResponse): Promise<void>;
  /** The same for a request whose body was read already. */
  answerRead(request: IncomingMessage, body: string, response: ServerResponse): Promise<void>;
  /** Lets every open long poll answer now; new ones still wait. */
  endPolls(): void;
  /** Writes all and closes; call it when no request is open any more. */
  close(): Promise<void>;
}

/**
 * Opens the queues and objects of a folder.
 * @param origin of the endpoint, e.g. `http://127.0.0.1:4566`: queue URLs start with it
 */
export async function openQueuesAndObjects(options: {
  folder: string;
  origin: string;
  region: string;
  /** In ms since 1970, for the age of objects. */
  now: () => number;
  /** How often objects are looked at whose bucket lets them expire. */
  sweepMs: number;
  log: Logger;
}): Promise<QueuesAndObjects> {
  const parts = await fauxqsParts();
  const sqsStore = new parts.SqsStore();
  const snsStore = new parts.SnsStore();
  const s3Store = new parts.S3Store();
  // Its default, sqs.<region>.localhost, does not resolve everywhere; with none, queue URLs
  // carry the address that the client itself has used.
  sqsStore.host = '';
  sqsStore.region = options.region;
  wakeOnePollAMessage(sqsStore);
  keepOneSetOfQueues(sqsStore);
  const persistence = new parts.PersistenceManager(options.folder);
  preparePersistence(persistence, options.origin);
  persistence.load(sqsStore, snsStore, s3Store);
  // After loading, or loading would write everything again.
  sqsStore.persistence = persistence as never;
  snsStore.persistence = persistence as never;
  s3Store.persistence = persistence as never;
  for (const queue of sqsStore.allQueues()) queue.persistence = persistence as never;

  const app = buildApp({ logger: false, stores: { sqsStore, snsStore, s3Store } });
  app.removeContentTypeParser('*');
  app.addContentTypeParser(
    '*',
    { parseAs: 'buffer', bodyLimit: MOST_FORM_BYTES },
    (_request, body, done) => done(null, body),
  );
  returnUndelivered(app, sqsStore);
  layOverSqs(app, sqsStore, parts.INVALID_MESSAGE_BODY_CHAR);
  await app.ready();
  const s3 = openS3({
    buckets: new Buckets(s3Store as unknown as S3Store, persistence.db),
    region: options.region,
    log: options.log,
    takeForm(request, response, bucket) {
      // The host is not looked at again: it may begin with what fauxqs takes for a bucket.
      request.headers.host = 'localhost';
      request.url = `/${bucket}`;
      app.routing(request, response);
    },
  });
  const sweep = (): void => void deleteExpired(s3Store as unknown as ObjectStore, options.now());
  sweep();
  const sweeping = setInterval(sweep, options.sweepMs).unref();

  return {
    answer(request, response) {
      // Some clients post to the queue's own address.
      request.url = '/';
      app.routing(request, response);
    },
    answerS3: s3.answer,
    async answerRead(request, body, response) {
      const answer = await app.inject({
        method: request.method as 'POST',
        url: request.url ?? '/',
        headers: request.headers,
        payload: body,
      });
      response.writeHead(answer.statusCode, answer.headers);
      response.end(answer.rawPayload);
    },
    endPolls: () => sqsStore.shutdown(),
    async close() {
      clearInterval(sweeping);
      await app.close();
      persistence.close();
    },
  };
}

/**
 * A long poll whose client has gone still takes the next message, which is then away until its
 * visibility ends. Here the server can see it: such messages go back as if never delivered.
 */
function returnUndelivered(app: App, store: Stores['sqsStore']): void {
  app.addHook('onSend', (request, reply, payload, done) => {
    const isReceive = request.headers['x-amz-target'] === 'AmazonSQS.ReceiveMessage';
    if (isReceive && reply.raw.destroyed && typeof payload === 'string') {
      const queue = store.getQueue((request.body as { QueueUrl: string }).QueueUrl);
      const { Messages = [] } = JSON.parse(payload) as { Messages?: { ReceiptHandle: string }[] };
      for (const { ReceiptHandle } of Messages) if (queue) putBack(queue, ReceiptHandle);
    }
    done();
  });
}

function putBack(queue: Queue, receipt: string): void {
  const message = queue.inflightMessages.get(receipt)?.message;
  if (message) message.approximateReceiveCount -= 1;
  queue.changeVisibility(receipt, 0);
}

interface Persistence {
  readonly db: DatabaseSync;
  updateMessageReady(messageId: string): void;
  readBody(bucket: string, key: string): Buffer;
  insertQueue(queue: Queue): void;
  load(sqs: Stores['sqsStore'], sns: Stores['snsStore'], s3: Stores['s3Store']): void;
  close(): void;
}

function preparePersistence(persistence: Persistence, origin: string): void {
  // Every write is in the log before its answer; only a power cut could lose the last ones.
  persistence.db.exec('PRAGMA synchronous = NORMAL');
  // The port may be another one than last time.
  persistence.db.prepare("UPDATE sqs_queues SET url = ? || '/000000000000/' || name").run(origin);
  // fauxqs 2.4.1 sets the receive count to NULL here, which its own table refuses: making a message
  // visible again would fail and lose it until the next start.
  const ready = persistence.db.prepare(
    'UPDATE sqs_messages SET receipt_handle = NULL, visibility_deadline = NULL WHERE message_id = ?',
  );
  persistence.updateMessageReady = (messageId) => void ready.run(messageId);
  // It copies what it reads: a second time the 100 MB of a gallery's segment.
  const readBody = persistence.db.prepare(
    'SELECT body FROM s3_objects WHERE bucket = ? AND key = ?',
  );
  persistence.readBody = (bucket, key) => {
    const { body } = readBody.get(bucket, key) as { body: Uint8Array };
    return Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  };
  // It replaces the queue's row at each change of its tags, and the table of messages follows the delete
  // in that: all messages of a tagged queue would be gone at the next start.
  const insert = persistence.insertQueue.bind(persistence);
  const retag = persistence.db.prepare('UPDATE sqs_queues SET tags = ? WHERE name = ?');
  persistence.insertQueue = (queue) => {
    const tags = JSON.stringify(Object.fromEntries(queue.tags));
    if (retag.run(tags, queue.name).changes === 0) insert(queue);
  };
}

interface FauxqsParts {
  readonly SqsStore: new () => Stores['sqsStore'];
  readonly SnsStore: new () => Stores['snsStore'];
  readonly S3Store: new () => Stores['s3Store'];
  readonly PersistenceManager: new (folder: string) => Persistence;
  readonly INVALID_MESSAGE_BODY_CHAR: RegExp;
}

/**
 * fauxqs offers its persistence only together with a listener on every network interface; its parts,
 * loaded by file, serve this process alone. The version is pinned in package.json.
 */
async function fauxqsParts(): Promise<FauxqsParts> {
  const entry = import.meta.resolve('fauxqs');
  const files = [
    'sqs/sqsStore.js',
    'sqs/sqsTypes.js',
    'sns/snsStore.js',
    's3/s3Store.js',
    'persistence.js',
  ];
  const loaded = await Promise.all(
    files.map((file): Promise<Partial<FauxqsParts>> => import(new URL(file, entry).href)),
  );
  return Object.assign({}, ...loaded) as FauxqsParts;
}
