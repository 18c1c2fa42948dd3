import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { request } from 'node:http';
import { networkInterfaces } from 'node:os';
import test, { after, beforeEach, describe } from 'node:test';
import {
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  type GetObjectCommandInput,
  HeadObjectCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
} from '@aws-sdk/client-s3';
import { outcome, plain, startTestBucket } from '../s3.fixture.ts';

const { s3, bucket: Bucket, url, stop } = await startTestBucket();
after(stop);

const Key = 'a';
const CONTENT = '0123456789';
const ETAG = `"${createHash('md5').update(CONTENT).digest('hex')}"`;
const put = (given: Partial<PutObjectCommandInput> = {}) =>
  s3.send(new PutObjectCommand({ Bucket, Key, Body: CONTENT, ...given }));
const get = (given: Partial<GetObjectCommandInput> = {}) =>
  s3.send(new GetObjectCommand({ Bucket, Key, ...given }));
const text = async (given: Partial<GetObjectCommandInput> = {}) =>
  (await get(given)).Body?.transformToString();
const head = (key = Key) => s3.send(new HeadObjectCommand({ Bucket, Key: key }));

beforeEach(() => put());

describe('conditions', () => {
  const past = new Date('2000-01-01');
  const future = new Date('2040-01-01');

  const reads: [Partial<GetObjectCommandInput>, string][] = [
    [{ IfMatch: ETAG }, 'ok'],
    [{ IfMatch: '*' }, 'ok'],
    [{ IfMatch: '"other"' }, 'PreconditionFailed 412'],
    [{ IfNoneMatch: ETAG }, '304 304'],
    [{ IfNoneMatch: '"other"' }, 'ok'],
    [{ IfModifiedSince: past }, 'ok'],
    [{ IfModifiedSince: future }, '304 304'],
    [{ IfUnmodifiedSince: past }, 'PreconditionFailed 412'],
    [{ IfUnmodifiedSince: future }, 'ok'],
    [{ IfMatch: ETAG, IfUnmodifiedSince: past }, 'ok'],
    [{ IfNoneMatch: '"other"', IfModifiedSince: future }, 'ok'],
  ];
  for (const [condition, expected] of reads) {
    test(`a read with ${JSON.stringify(condition)} is ${expected}`, async () => {
      const got = await outcome(get(condition));
      assert.equal(got.replace(/^\S+ 304$/, '304 304'), expected);
    });
  }

  test('a write with If-None-Match or If-Match takes no object away', async () => {
    assert.equal(await outcome(put({ Body: 'x', IfNoneMatch: '*' })), 'PreconditionFailed 412');
    assert.equal(await outcome(put({ Body: 'x', IfMatch: '"other"' })), 'PreconditionFailed 412');
    assert.equal(await outcome(put({ IfNoneMatch: ETAG })), 'NotImplemented 501');
    assert.equal(await outcome(put({ Key: 'none', IfMatch: ETAG })), 'NoSuchKey 404');
    assert.equal(await text(), CONTENT);
    assert.equal(await outcome(put({ Key: 'fresh', IfNoneMatch: '*' })), 'ok');
    assert.equal(await outcome(put({ IfMatch: ETAG })), 'ok');
  });

  test('of twenty writers with If-None-Match, one wins', async () => {
    const writes = Array.from({ length: 20 }, (_, i) =>
      outcome(put({ Key: 'lock', Body: `${i}`, IfNoneMatch: '*' })),
    );
    assert.equal((await Promise.all(writes)).filter((one) => one === 'ok').length, 1);
  });

  test('a deletion with If-Match leaves another object alone', async () => {
    const remove = (IfMatch: string) =>
      outcome(s3.send(new DeleteObjectCommand({ Bucket, Key, IfMatch })));
    assert.equal(await remove('"other"'), 'PreconditionFailed 412');
    assert.equal(await text(), CONTENT);
    assert.equal(await remove(ETAG), 'ok');
    assert.equal(await outcome(get()), 'NoSuchKey 404');
  });

  test('a copy looks at its source and at its target', async () => {
    const copy = (given: Record<string, unknown>) =>
      outcome(
        s3.send(
          new CopyObjectCommand({
            Bucket,
            Key: 'copied',
            CopySource: `${Bucket}/${Key}`,
            ...given,
          }),
        ),
      );
    assert.equal(await copy({ CopySourceIfMatch: '"other"' }), 'PreconditionFailed 412');
    assert.equal(await copy({ CopySourceIfNoneMatch: ETAG }), 'PreconditionFailed 412');
    assert.equal(await copy({ CopySourceIfModifiedSince: future }), 'PreconditionFailed 412');
    assert.equal(await copy({ CopySourceIfUnmodifiedSince: past }), 'PreconditionFailed 412');
    assert.equal(await copy({ IfNoneMatch: '*' }), 'ok');
    assert.equal(await copy({ IfNoneMatch: '*' }), 'PreconditionFailed 412');
  });
});

describe('ranges', () => {
  const whole: string[] = ['bytes=5-2', 'bytes=0-1,3-4', 'lines=0-3', 'nonsense', 'bytes=-'];
  const parts: [string, string][] = [
    ['bytes=2-4', '234'],
    ['bytes=7-', '789'],
    ['bytes=9-100', '9'],
    ['bytes=-3', '789'],
    ['bytes=-500', CONTENT],
  ];
  test('one range gives its bytes', async () => {
    for (const [Range, bytes] of parts) {
      const answer = await get({ Range });
      assert.equal(await answer.Body?.transformToString(), bytes, Range);
      assert.equal(answer.$metadata.httpStatusCode, 206);
      assert.match(answer.ContentRange ?? '', /^bytes \d-9\/10$|^bytes 2-4\/10$/);
    }
  });
  test('several ranges and what is no range give the whole object', async () => {
    for (const Range of whole) assert.equal(await text({ Range }), CONTENT, Range);
  });
  test('a range without a byte is refused with the size', async () => {
    for (const Range of ['bytes=10-', 'bytes=20-30', 'bytes=-0']) {
      assert.equal(await outcome(get({ Range })), 'InvalidRange 416', Range);
    }
    const answer = await fetch(`${url}/${Bucket}/${Key}`, { headers: { range: 'bytes=10-' } });
    assert.equal(answer.headers.get('content-range'), 'bytes */10');
    await put({ Key: 'empty', Body: '' });
    assert.equal(await outcome(get({ Key: 'empty', Range: 'bytes=0-' })), 'InvalidRange 416');
  });
});

describe('what is stored', () => {
  test('any content type, none, and no bytes at all', async () => {
    for (const type of [
      'application/x-www-form-urlencoded',
      'text/plain',
      'application/json',
      'application/x-amz-json-1.0',
      'application/xml',
      'multipart/form-data; boundary=x',
    ]) {
      const headers = { 'content-type': type };
      await fetch(`${url}/${Bucket}/typed`, { method: 'PUT', body: 'a=b&c', headers });
      assert.equal((await head('typed')).ContentType, type);
      assert.equal(await text({ Key: 'typed' }), 'a=b&c');
    }
    for (const key of ['folder/', 'empty']) {
      assert.equal(await plain(`${url}/${Bucket}/${key}`, { method: 'PUT' }), '200');
      const { ContentLength, ContentType } = await head(key);
      assert.deepEqual([ContentLength, ContentType], [0, 'binary/octet-stream']);
      assert.equal(await text({ Key: key }), '');
    }
  });

  test('headers, metadata and tags come back as they were sent, after a restart too', async () => {
    const folder = await startTestBucket();
    const given = {
      ContentType: 'image/png',
      CacheControl: 'no-cache',
      ContentDisposition: 'inline',
      ContentEncoding: 'gzip',
      ContentLanguage: 'de',
      Metadata: { one: '1', empty: '' },
      WebsiteRedirectLocation: '/there',
      StorageClass: 'STANDARD_IA',
    } as const;
    await folder.s3.send(
      new PutObjectCommand({
        Bucket,
        Key,
        Body: 'x',
        Tagging: 'k=v',
        Expires: new Date(0),
        ...given,
      }),
    );
    const again = await folder.restart();
    const back = await again.s3.send(new HeadObjectCommand({ Bucket, Key }));
    for (const [name, value] of Object.entries(given)) {
      assert.deepEqual(back[name as keyof typeof given], value, name);
    }
    assert.equal(back.ExpiresString, 'Thu, 01 Jan 1970 00:00:00 GMT');
    assert.equal(back.TagCount, 1);
    await again.stop();
  });

  test('chunks of AWS are taken apart, and their trailer is checked', async () => {
    const chunked = (trailer: string) =>
      plain(`${url}/${Bucket}/chunked`, {
        method: 'PUT',
        headers: {
          'content-encoding': 'aws-chunked,gzip',
          'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
          'x-amz-decoded-content-length': '10',
          'x-amz-trailer': 'x-amz-checksum-crc32',
        },
        body: `6;chunk-signature=f00\r\n012345\r\n4\r\n6789\r\n0\r\nx-amz-checksum-crc32:${trailer}\r\n\r\n`,
      });
    assert.equal(await chunked('AAAAAA=='), '400 BadDigest');
    await put({ Key: 'crc', ChecksumAlgorithm: 'CRC32' });
    const { ChecksumCRC32 = '' } = await s3.send(
      new HeadObjectCommand({ Bucket, Key: 'crc', ChecksumMode: 'ENABLED' }),
    );
    assert.equal(await chunked(ChecksumCRC32), '200');
    assert.equal(await text({ Key: 'chunked' }), CONTENT);
    assert.equal((await head('chunked')).ContentEncoding, 'gzip');
  });

  test('bytes that differ from their digest are refused', async () => {
    const md5 = Buffer.alloc(16).toString('base64');
    assert.equal(await outcome(put({ Body: 'x', ContentMD5: md5 })), 'BadDigest 400');
    assert.equal(await outcome(put({ Body: 'x', ContentMD5: 'nonsense' })), 'InvalidDigest 400');
    const wrong: [string, number][] = [
      ['ChecksumCRC32', 4],
      ['ChecksumCRC32C', 4],
      ['ChecksumCRC64NVME', 8],
      ['ChecksumSHA1', 20],
      ['ChecksumSHA256', 32],
    ];
    for (const [name, bytes] of wrong) {
      const value = Buffer.alloc(bytes, 1).toString('base64');
      assert.equal(await outcome(put({ Body: 'x', [name]: value })), 'BadDigest 400', name);
    }
    // The check value of each algorithm: of `123456789`.
    const body = { Body: '123456789' };
    assert.equal(await outcome(put({ ...body, ChecksumCRC32C: '4waSgw==' })), 'ok');
    assert.equal(await outcome(put({ ...body, ChecksumCRC64NVME: 'rosUhgp5mIg=' })), 'ok');
  });

  test('keys and metadata have S3’s limits', async () => {
    assert.equal(await outcome(put({ Key: 'é'.repeat(512) })), 'ok');
    assert.equal(await outcome(put({ Key: 'é'.repeat(513) })), 'KeyTooLongError 400');
    assert.equal(await outcome(put({ Metadata: { m: 'x'.repeat(2040) } })), 'ok');
    assert.equal(await outcome(put({ Metadata: { m: 'x'.repeat(2048) } })), 'MetadataTooLarge 400');
    assert.equal(await plain(`${url}/${Bucket}/%ff`, { method: 'PUT' }), '400 InvalidURI');
  });
});

describe('copies and deletions', () => {
  const copy = (given: Record<string, unknown> = {}) =>
    s3.send(new CopyObjectCommand({ Bucket, Key, CopySource: `${Bucket}/${Key}`, ...given }));

  test('a copy onto itself must change something', async () => {
    assert.equal(await outcome(copy()), 'InvalidRequest 400');
    await copy({ MetadataDirective: 'REPLACE', Metadata: { n: '1' } });
    assert.deepEqual((await head()).Metadata, { n: '1' });
    assert.equal(await text(), CONTENT);
    assert.equal(await outcome(copy({ CopySource: `${Bucket}/none` })), 'NoSuchKey 404');
    assert.equal(await outcome(copy({ CopySource: 'nobody/a' })), 'NoSuchBucket 404');
    assert.equal(await outcome(copy({ CopySource: 'nonsense' })), 'InvalidArgument 400');
  });

  test('a thousand keys at once, no more, and each by its name', async () => {
    const odd = ['&<>"\'', 'line\r\nend', ' spaces ', '写\u{20BB7}'];
    await Promise.all(odd.map((key) => put({ Key: key })));
    const remove = (keys: string[]) =>
      s3.send(
        new DeleteObjectsCommand({
          Bucket,
          Delete: { Objects: keys.map((key) => ({ Key: key })) },
        }),
      );
    const many = Array.from({ length: 1001 }, (_, i) => (i === 0 ? Key : `${i}`));
    assert.equal(await outcome(remove(many)), 'MalformedXML 400');
    assert.equal(await text(), CONTENT);
    const { Deleted } = await remove(odd);
    assert.deepEqual(
      Deleted?.map((one) => one.Key),
      odd,
    );
    for (const key of odd) assert.equal(await outcome(get({ Key: key })), 'NoSuchKey 404', key);
    assert.equal(await outcome(remove([])), 'MalformedXML 400');
    assert.equal(await outcome(remove(many.slice(0, 1000))), 'ok');
  });
});

test('a bucket is found by path under any name of the host, and by a name before it', async () => {
  const asked = (host: string, path: string, method = 'GET') =>
    new Promise<number | undefined>((resolve, reject) => {
      const { port } = new URL(url);
      const authorization =
        'AWS4-HMAC-SHA256 Credential=x/20300101/us-east-1/s3/aws4_request, Signature=0';
      request(
        { port, host: '127.0.0.1', path, method, headers: { host, authorization } },
        (answer) => {
          answer.resume().on('end', () => resolve(answer.statusCode));
        },
      )
        .on('error', reject)
        .end();
    });
  for (const host of [
    'localhost:4566',
    '127.0.0.1',
    '[::1]:4566',
    'host.docker.internal:4566',
    'cloud.localhost',
    'cloud.default.svc.cluster.local:4566',
    's3.localhost',
  ]) {
    assert.equal(await asked(host, `/${Bucket}/${Key}`), 200, host);
  }
  for (const host of [
    `${Bucket}.localhost`,
    `${Bucket}.s3.localhost`,
    `${Bucket}.s3.eu-west-1.test`,
  ]) {
    assert.equal(await asked(host, `/${Key}`), 200, host);
  }
  // An upload into a bucket that is not there makes no bucket of the key's name.
  assert.equal(await asked('none.s3.localhost', '/photo.jpg', 'PUT'), 404);
  assert.equal(await plain(`${url}/photo.jpg`), '404 NoSuchBucket');
});

const hasIpv6 = Object.values(networkInterfaces()).some((all) =>
  all?.some(({ address }) => address === '::1'),
);
test('the same port answers over IPv6', { skip: !hasIpv6 && 'no IPv6 here' }, async () => {
  assert.equal(await plain(`http://[::1]:${new URL(url).port}/${Bucket}/${Key}`), '200');
});

test('a presigned answer has the headers that were asked for, unsigned ones have not', async () => {
  const override = 'response-content-disposition=attachment%3B%20filename%3Dx.jpg';
  const date = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
  const signature = `X-Amz-Credential=x/${date.slice(0, 8)}/us-east-1/s3/aws4_request&X-Amz-Signature=x`;
  const at = (when: string) =>
    `${url}/${Bucket}/${Key}?${signature}&X-Amz-Date=${when}&X-Amz-Expires=60&${override}`;
  const answer = await fetch(at(date));
  assert.equal(answer.headers.get('content-disposition'), 'attachment; filename=x.jpg');
  assert.equal(await plain(at('20200101T000000Z')), '403 AccessDenied');
  assert.equal(await plain(`${url}/${Bucket}/${Key}?${override}`), '400 InvalidRequest');
});

test('an upload to a presigned address has the headers that the address holds', async () => {
  const date = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
  const version4 = `X-Amz-Credential=x/${date.slice(0, 8)}/us-east-1/s3/aws4_request&X-Amz-Signature=x&X-Amz-Date=${date}&X-Amz-Expires=60`;
  const version2 = `AWSAccessKeyId=x&Signature=y&Expires=${Math.ceil(Date.now() / 1000) + 60}`;
  const checksum =
    'x-amz-sdk-checksum-algorithm=CRC32&x-amz-checksum-crc32=AAAAAA%3D%3D&x-id=PutObject';
  for (const signed of [version2, `${version4}&${checksum}`]) {
    const address = `${url}/${Bucket}/presigned?${signed}&content-type=image%2Fpng&x-amz-meta-who=ada&x-amz-tagging=a%3Db`;
    const body = new Blob([CONTENT]);
    assert.equal(await plain(address, { method: 'PUT', body }), '200');
    const { ContentType, Metadata, ContentLength, TagCount } = await get({ Key: 'presigned' });
    assert.deepEqual(
      [ContentType, Metadata, ContentLength, TagCount],
      ['image/png', { who: 'ada' }, CONTENT.length, 1],
    );
    await s3.send(new DeleteObjectCommand({ Bucket, Key: 'presigned' }));
  }
  const unsigned = `${url}/${Bucket}/unsigned?x-amz-meta-who=ada`;
  assert.equal(await plain(unsigned, { method: 'PUT', body: CONTENT }), '200');
  assert.deepEqual((await head('unsigned')).Metadata, {});
});

test('bucket names follow S3’s rules', async () => {
  for (const name of [
    'ab',
    'UPPER',
    'a..b',
    '192.168.1.1',
    'xn--abc',
    'a_b',
    '-abc',
    'x-s3alias',
  ]) {
    assert.equal(await plain(`${url}/${name}`, { method: 'PUT' }), '400 InvalidBucketName', name);
  }
  assert.equal(await outcome(s3.send(new CreateBucketCommand({ Bucket: 'a.b-c.d1' }))), 'ok');
});
