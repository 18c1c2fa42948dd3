/** A bucket of an embedded cloud of its own, for the tests of this room. */
import { CreateBucketCommand, type S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import { startTestCloud, temporaryFolder } from '../cloud.fixture.ts';

export interface TestBucket {
  readonly url: string;
  readonly s3: S3Client;
  readonly bucket: string;
  stop(): Promise<void>;
  /** Stops the cloud and starts it again over the same folder. */
  restart(): Promise<TestBucket>;
}

export async function startTestBucket(folder = temporaryFolder()): Promise<TestBucket> {
  const { cloud, clients, stop } = await startTestCloud(folder.path);
  const bucket = 'tried';
  await clients.s3.send(new CreateBucketCommand({ Bucket: bucket }));
  return {
    url: cloud.url,
    s3: clients.s3,
    bucket,
    async stop() {
      await stop();
      folder.remove();
    },
    async restart() {
      await stop();
      return startTestBucket(folder);
    },
  };
}

/** `<code> <status>` of a refusal, or `ok`. */
export async function outcome(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return 'ok';
  } catch (error) {
    if (!(error instanceof S3ServiceException)) throw error;
    return `${error.name} ${error.$metadata.httpStatusCode}`;
  }
}

/** `<status> <code>` of a plain request, where the code is that of its error document. */
export async function plain(address: string, init?: RequestInit): Promise<string> {
  const response = await fetch(address, init);
  const code = /<Code>(\w+)<\/Code>/.exec(await response.text())?.[1];
  return code === undefined ? `${response.status}` : `${response.status} ${code}`;
}
