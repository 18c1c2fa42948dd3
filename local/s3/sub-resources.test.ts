import assert from 'node:assert/strict';
import test, { after, describe } from 'node:test';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteObjectTaggingCommand,
  GetBucketLocationCommand,
  GetObjectAttributesCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsCommand,
  type ListObjectsCommandOutput,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  ListPartsCommand,
  PutBucketTaggingCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { outcome, plain, startTestBucket } from './s3.fixture.ts';

const { s3, bucket: Bucket, url, stop } = await startTestBucket();
after(stop);
const Key = 'photo';
await s3.send(new PutObjectCommand({ Bucket, Key, Body: 'bytes' }));

/** Every sub-resource that S3 has or had, and one that it never had. */
const OF_BUCKETS =
  'abac accelerate acl analytics cors encryption intelligent-tiering inventory lifecycle location logging metadataConfiguration metadataTable metrics notification object-lock ownershipControls policy policyStatus publicAccessBlock replication requestPayment session tagging uploads versioning versions website nonsense';
const OF_OBJECTS =
  'acl attributes encryption legal-hold partNumber=1 renameObject restore retention select&select-type=2 tagging torrent uploadId=x uploads versionId=0123456789abcdef0123456789abcdef annotation nonsense';

test('no sub-resource is taken for the bucket or the object', async () => {
  const unset = new Map([
    ['cors', '404 NoSuchCORSConfiguration'],
    ['lifecycle', '404 NoSuchLifecycleConfiguration'],
    ['object-lock', '404 ObjectLockConfigurationNotFoundError'],
    ['policy', '404 NoSuchBucketPolicy'],
    ['policyStatus', '404 NoSuchBucketPolicy'],
    ['publicAccessBlock', '404 NoSuchPublicAccessBlockConfiguration'],
    ['replication', '404 ReplicationConfigurationNotFoundError'],
    ['tagging', '404 NoSuchTagSet'],
    ['website', '404 NoSuchWebsiteConfiguration'],
  ]);
  await s3.send(new CreateBucketCommand({ Bucket: 'empty-one' }));
  for (const sub of OF_BUCKETS.split(' ')) {
    for (const method of ['PUT', 'DELETE', 'POST', 'GET']) {
      const body = method === 'PUT' || method === 'POST' ? '<x/>' : undefined;
      const said = await plain(`${url}/empty-one?${sub}`, { method, ...(body && { body }) });
      const expected =
        method === 'GET'
          ? (unset.get(sub) ?? /^200$|^501 NotImplemented$/)
          : /^204$|^400 MalformedXML$|^501 NotImplemented$/;
      if (typeof expected === 'string') assert.equal(said, expected, `${method} ${sub}`);
      else assert.match(said, expected, `${method} ${sub}`);
      assert.equal(await plain(`${url}/empty-one`, { method: 'HEAD' }), '200', `${method} ${sub}`);
    }
    const listing = await (await fetch(`${url}/${Bucket}?${sub}`)).text();
    assert.doesNotMatch(listing, /<ListBucketResult/, sub);
  }
  for (const sub of OF_OBJECTS.split(' ')) {
    for (const method of ['PUT', 'DELETE', 'POST', 'GET']) {
      const body = method === 'PUT' || method === 'POST' ? '<x/>' : undefined;
      const address = `${url}/${Bucket}/${Key}?${sub}`;
      const said = await plain(address, { method, ...(body && { body }) });
      assert.match(said, /^20[046]$|^4\d\d \w+$|^501 NotImplemented$/, `${method} ${sub}`);
      const kept = await (await fetch(`${url}/${Bucket}/${Key}`)).text();
      assert.equal(kept, 'bytes', `${method} ${sub}`);
    }
  }
});

test('an operation that is not here is named in the error', async () => {
  const answer = await fetch(`${url}/${Bucket}?policy`, { method: 'PUT', body: '{}' });
  assert.match(await answer.text(), /<Code>NotImplemented<.*PutBucketPolicy/);
});

describe('tags', () => {
  test('of an object are kept beside its bytes', async () => {
    const TagSet = [{ Key: 'who', Value: 'Zoë + co' }];
    await s3.send(new PutObjectTaggingCommand({ Bucket, Key, Tagging: { TagSet } }));
    const tags = async () => (await s3.send(new GetObjectTaggingCommand({ Bucket, Key }))).TagSet;
    assert.deepEqual(await tags(), TagSet);
    await s3.send(new DeleteObjectTaggingCommand({ Bucket, Key }));
    assert.deepEqual(await tags(), []);
    assert.equal(await (await fetch(`${url}/${Bucket}/${Key}`)).text(), 'bytes');
  });

  test('have S3’s limits', async () => {
    const set = (TagSet: { Key: string; Value: string }[], key = Key) =>
      outcome(s3.send(new PutObjectTaggingCommand({ Bucket, Key: key, Tagging: { TagSet } })));
    const many = Array.from({ length: 11 }, (_, i) => ({ Key: `${i}`, Value: '' }));
    assert.equal(await set(many.slice(1)), 'ok');
    assert.equal(await set(many), 'BadRequest 400');
    assert.equal(await set([many[0]!, many[0]!]), 'InvalidTag 400');
    assert.equal(await set([{ Key: 'x'.repeat(129), Value: '' }]), 'InvalidTag 400');
    assert.equal(await set([{ Key: 'x', Value: 'y'.repeat(257) }]), 'InvalidTag 400');
    assert.equal(await set([], 'none'), 'NoSuchKey 404');
  });

  test('of a bucket go with it', async () => {
    const TagSet = [{ Key: 'a', Value: 'b' }];
    await s3.send(new CreateBucketCommand({ Bucket: 'tagged' }));
    await s3.send(new PutBucketTaggingCommand({ Bucket: 'tagged', Tagging: { TagSet } }));
    assert.equal(await plain(`${url}/tagged?tagging`), '200');
    await s3.send(new DeleteBucketCommand({ Bucket: 'tagged' }));
    await s3.send(new CreateBucketCommand({ Bucket: 'tagged' }));
    assert.equal(await plain(`${url}/tagged?tagging`), '404 NoSuchTagSet');
  });
});

test('a bucket keeps the region it was made for', async () => {
  const LocationConstraint = 'eu-west-1';
  await s3.send(
    new CreateBucketCommand({ Bucket: 'far', CreateBucketConfiguration: { LocationConstraint } }),
  );
  const location = async (bucket: string) =>
    (await s3.send(new GetBucketLocationCommand({ Bucket: bucket }))).LocationConstraint;
  assert.equal(await location('far'), 'eu-west-1');
  assert.equal(await location(Bucket), undefined);
});

describe('listing', () => {
  test('counts of keys are checked as S3 checks them', async () => {
    const v2 = async (MaxKeys: number) => s3.send(new ListObjectsV2Command({ Bucket, MaxKeys }));
    const none = await v2(0);
    assert.deepEqual([none.IsTruncated, none.KeyCount, none.MaxKeys], [false, 0, 0]);
    assert.equal((await v2(5000)).MaxKeys, 1000);
    for (const text of ['-1', 'nonsense', '1.5', '99999999999']) {
      const asked = `${url}/${Bucket}?list-type=2&max-keys=${text}`;
      assert.equal(await plain(asked), '400 InvalidArgument', text);
    }
    const token = `${url}/${Bucket}?list-type=2&continuation-token=nonsense`;
    assert.equal(await plain(token), '400 InvalidArgument');
    assert.equal(await plain(`${url}/${Bucket}?encoding-type=x`), '400 InvalidArgument');
  });

  test('all three lists give each key once in byte order, and groups once', async () => {
    const bucket = 'listed';
    await s3.send(new CreateBucketCommand({ Bucket: bucket }));
    const keys = ['B', 'a', 'A', '_z', 'a b+c', 'x/1', 'x/2', 'y/1', '\uFF5E', '\u{20BB7}', 'Zoë'];
    for (const key of keys) await s3.send(new PutObjectCommand({ Bucket: bucket, Key: key }));
    const right = keys.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    const seen = { v1: [] as string[], v2: [] as string[], versions: [] as string[] };
    for (let Marker: string | undefined = ''; Marker !== undefined; ) {
      const page: ListObjectsCommandOutput = await s3.send(
        new ListObjectsCommand({ Bucket: bucket, MaxKeys: 2, Marker }),
      );
      seen.v1.push(...(page.Contents ?? []).map((one) => one.Key ?? ''));
      Marker = page.IsTruncated ? seen.v1.at(-1) : undefined;
    }
    for (let token: string | undefined, more = true; more; ) {
      const page = await s3.send(
        new ListObjectsV2Command({ Bucket: bucket, MaxKeys: 2, ContinuationToken: token }),
      );
      seen.v2.push(...(page.Contents ?? []).map((one) => one.Key ?? ''));
      token = page.NextContinuationToken;
      more = page.IsTruncated === true;
    }
    for (let KeyMarker: string | undefined, more = true; more; ) {
      const page = await s3.send(
        new ListObjectVersionsCommand({ Bucket: bucket, MaxKeys: 2, KeyMarker }),
      );
      seen.versions.push(...(page.Versions ?? []).map((one) => one.Key ?? ''));
      KeyMarker = page.NextKeyMarker;
      more = page.IsTruncated === true;
    }
    assert.deepEqual(seen, { v1: right, v2: right, versions: right });
    const grouped = await s3.send(new ListObjectsV2Command({ Bucket: bucket, Delimiter: '/' }));
    assert.deepEqual(
      grouped.CommonPrefixes?.map(({ Prefix }) => Prefix),
      ['x/', 'y/'],
    );
    const encoded = await fetch(`${url}/${bucket}?list-type=2&encoding-type=url`);
    assert.match(await encoded.text(), /<Key>a\+b%2Bc<\/Key>.*<Key>x\/1<\/Key>/);
  });
});

describe('uploads in parts', () => {
  test('are listed, checked and put together', async () => {
    const key = 'in parts';
    const start = new CreateMultipartUploadCommand({ Bucket, Key: key, Metadata: { m: '1' } });
    const { UploadId } = await s3.send(start);
    const part = (PartNumber: number, Body: string, id = UploadId) =>
      s3.send(new UploadPartCommand({ Bucket, Key: key, UploadId: id, PartNumber, Body }));
    assert.equal(await outcome(part(0, 'x')), 'InvalidArgument 400');
    assert.equal(await outcome(part(10_001, 'x')), 'InvalidArgument 400');
    assert.equal(await outcome(part(1, 'x', 'nonsense')), 'NoSuchUpload 404');
    const one = (await part(1, 'one')).ETag;
    const two = (await part(2, 'two')).ETag;
    const { Parts } = await s3.send(new ListPartsCommand({ Bucket, Key: key, UploadId }));
    assert.deepEqual(
      Parts?.map(({ PartNumber, Size }) => [PartNumber, Size]),
      [
        [1, 3],
        [2, 3],
      ],
    );
    const { Uploads } = await s3.send(new ListMultipartUploadsCommand({ Bucket }));
    assert.ok(Uploads?.some((upload) => upload.UploadId === UploadId));
    const complete = (parts: [number, string | undefined][], given = {}) =>
      s3.send(
        new CompleteMultipartUploadCommand({
          Bucket,
          Key: key,
          UploadId,
          MultipartUpload: { Parts: parts.map(([PartNumber, ETag]) => ({ PartNumber, ETag })) },
          ...given,
        }),
      );
    assert.equal(
      await outcome(
        complete([
          [1, one],
          [2, two],
        ]),
      ),
      'EntityTooSmall 400',
    );
    assert.equal(
      await outcome(
        complete([
          [2, two],
          [1, one],
        ]),
      ),
      'InvalidPartOrder 400',
    );
    assert.equal(await outcome(complete([[1, two]])), 'InvalidPart 400');
    assert.equal(await outcome(complete([])), 'MalformedXML 400');
    await s3.send(new PutObjectCommand({ Bucket, Key: key, Body: 'there' }));
    const onlyNew = { IfNoneMatch: '*' };
    assert.equal(await outcome(complete([[1, one]], onlyNew)), 'PreconditionFailed 412');
    assert.equal(await outcome(complete([[1, one]])), 'ok');
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key: key }));
    assert.deepEqual([head.ContentLength, head.Metadata], [3, { m: '1' }]);
    const ofPart = await s3.send(new HeadObjectCommand({ Bucket, Key: key, PartNumber: 1 }));
    assert.deepEqual([ofPart.ContentLength, ofPart.PartsCount], [3, 1]);
    assert.equal(await outcome(complete([[1, one]])), 'NoSuchUpload 404');
  });

  test('keep the checksum that was asked for, and do not keep a bucket from its end', async () => {
    await s3.send(new CreateBucketCommand({ Bucket: 'uploads' }));
    const named = { Bucket: 'uploads', Key: 'k' };
    const { UploadId } = await s3.send(
      new CreateMultipartUploadCommand({ ...named, ChecksumAlgorithm: 'CRC64NVME' }),
    );
    const { ETag } = await s3.send(
      new UploadPartCommand({ ...named, UploadId, PartNumber: 1, Body: '123456789' }),
    );
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] };
    await s3.send(new CompleteMultipartUploadCommand({ ...named, UploadId, MultipartUpload }));
    const { Checksum } = await s3.send(
      new GetObjectAttributesCommand({ ...named, ObjectAttributes: ['Checksum'] }),
    );
    assert.equal(Checksum?.ChecksumCRC64NVME, 'rosUhgp5mIg=');
    const { UploadId: open } = await s3.send(
      new CreateMultipartUploadCommand({ ...named, Key: 'o' }),
    );
    assert.ok(open);
    await fetch(`${url}/uploads/k`, { method: 'DELETE' });
    assert.equal(await outcome(s3.send(new DeleteBucketCommand({ Bucket: 'uploads' }))), 'ok');
    const aborted = new AbortMultipartUploadCommand({ ...named, Key: 'o', UploadId: open });
    assert.equal(await outcome(s3.send(aborted)), 'NoSuchBucket 404');
  });
});
