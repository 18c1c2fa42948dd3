import assert from 'node:assert/strict';
import test, { after, describe } from 'node:test';
import { startTestCloud, temporaryFolder } from './cloud.fixture.ts';
import { missingPython, python } from './python.fixture.ts';

describe('boto3, with nothing but the address', { skip: await missingPython('boto3') }, () => {
  const folder = temporaryFolder();
  const starting = startTestCloud(folder.path);
  after(async () => {
    await (await starting).stop();
    folder.remove();
  });
  const SETUP = `
import boto3, json, sys
kw = dict(endpoint_url=sys.argv[1])
`;

  test('its waiters and paginators follow an instance through its life', async () => {
    const { cloud } = await starting;
    const seen = await python(
      `${SETUP}
ec2 = boto3.client('ec2', **kw)
run = ec2.run_instances(ImageId='ami-0123456789abcdef0', InstanceType='t2.micro', MinCount=6, MaxCount=6,
    UserData='A=1', TagSpecifications=[{'ResourceType': 'instance', 'Tags': [{'Key': 'Name', 'Value': 'app-tier-instance-1'}]}])
ids = [i['InstanceId'] for i in run['Instances']]
wait = {'Delay': 1, 'MaxAttempts': 30}
ec2.get_waiter('instance_exists').wait(InstanceIds=ids, WaiterConfig=wait)
ec2.get_waiter('instance_running').wait(InstanceIds=ids, WaiterConfig=wait)
ec2.get_waiter('instance_status_ok').wait(InstanceIds=ids, WaiterConfig=wait)
pages = list(ec2.get_paginator('describe_instances').paginate(PaginationConfig={'PageSize': 5}))
paged = [i['InstanceId'] for p in pages for r in p['Reservations'] for i in r['Instances']]
statuses = [s for p in ec2.get_paginator('describe_instance_status').paginate() for s in p['InstanceStatuses']]
tags = [t for p in ec2.get_paginator('describe_tags').paginate() for t in p['Tags']]
ec2.stop_instances(InstanceIds=ids[:1])
ec2.get_waiter('instance_stopped').wait(InstanceIds=ids[:1], WaiterConfig=wait)
ec2.terminate_instances(InstanceIds=ids)
ec2.get_waiter('instance_terminated').wait(InstanceIds=ids, WaiterConfig=wait)
print(json.dumps(dict(pages=len(pages), all=sorted(paged) == sorted(ids), statuses=len(statuses), tags=len(tags))))
`,
      cloud.url,
    );
    assert.deepEqual(seen, { pages: 2, all: true, statuses: 6, tags: 6 });
  });

  test("what the course's grader asks, in its own words", async () => {
    const { cloud } = await starting;
    cloud.addExternalInstance('web-instance');
    const seen = await python(
      `${SETUP}
ec2 = boto3.resource('ec2', **kw); s3 = boto3.resource('s3', **kw); sqs = boto3.client('sqs', **kw)
boto3.client('ec2', **kw).run_instances(ImageId='ami-0123456789abcdef0', MinCount=1, MaxCount=1,
    TagSpecifications=[{'ResourceType': 'instance', 'Tags': [{'Key': 'Name', 'Value': 'app-tier-instance-1'}]}])
def named(pattern, state):
    return list(ec2.instances.filter(Filters=[
        {'Name': 'tag:Name', 'Values': [pattern]}, {'Name': 'instance-state-name', 'Values': [state]}]))
app = []
while not app: app = named('app-tier-instance*', 'running')
app[0].terminate(); app[0].wait_until_terminated(WaiterConfig={'Delay': 1})
sqs.create_queue(QueueName='p-req-queue')
queue = boto3.resource('sqs', **kw).get_queue_by_name(QueueName='p-req-queue')
queue.send_message(MessageBody='m')
count = sqs.get_queue_attributes(QueueUrl='p-req-queue', AttributeNames=['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'])['Attributes']
s3.create_bucket(Bucket='p-in-bucket'); bucket = s3.Bucket('p-in-bucket')
for i in range(5): bucket.put_object(Key='test_%d.jpg' % i, Body=b'x')
before = len(list(bucket.objects.all())); bucket.objects.all().delete()
sqs.purge_queue(QueueUrl='p-req-queue')
after = sqs.get_queue_attributes(QueueUrl='p-req-queue', AttributeNames=['ApproximateNumberOfMessages'])['Attributes']
print(json.dumps(dict(web=len(named('web-instance', 'running')), app=len(app), left=len(named('app-tier-instance*', 'running')),
    name=app[0].tags[0]['Value'], messages=count['ApproximateNumberOfMessages'], purged=after['ApproximateNumberOfMessages'],
    objects=before, emptied=len(list(bucket.objects.all())))))
`,
      cloud.url,
    );
    assert.deepEqual(seen, {
      web: 1,
      app: 1,
      left: 0,
      name: 'app-tier-instance-1',
      messages: '1',
      purged: '0',
      objects: 5,
      emptied: 0,
    });
  });

  test('messages are sent, extended and deleted, objects put in parts, listed by pages and deleted', async () => {
    const { cloud } = await starting;
    const said = await python(
      `${SETUP}
import io
sqs, s3 = boto3.client('sqs', **kw), boto3.client('s3', **kw)
url = sqs.create_queue(QueueName='parts-queue')['QueueUrl']
text = {'DataType': 'String', 'StringValue': 'boto3'}
sqs.send_message(QueueUrl=url, MessageBody='first', MessageAttributes={'from': text})
sqs.send_message_batch(QueueUrl=url, Entries=[{'Id': t, 'MessageBody': t} for t in ('second', 'third')])
bodies, sender = [], ''
while len(bodies) < 3:
    got = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1, MessageAttributeNames=['All'])
    for m in got.get('Messages', []):
        bodies.append(m['Body'])
        sender = m.get('MessageAttributes', {}).get('from', {}).get('StringValue', sender)
        sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=m['ReceiptHandle'], VisibilityTimeout=60)
        sqs.delete_message(QueueUrl=url, ReceiptHandle=m['ReceiptHandle'])
left = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=['All'])['Attributes']
s3.create_bucket(Bucket='parts-bucket')
from boto3.s3.transfer import TransferConfig
parts = TransferConfig(multipart_threshold=1, multipart_chunksize=5 * 1024 * 1024)
s3.upload_fileobj(io.BytesIO(b'x' * (6 * 1024 * 1024)), 'parts-bucket', 'large', Config=parts)
s3.put_object(Bucket='parts-bucket', Key='a folder/photo +1.jpg', Body=b'photo', ContentType='image/jpeg')
pages = s3.get_paginator('list_objects_v2').paginate(Bucket='parts-bucket', PaginationConfig={'PageSize': 1})
keys = [o['Key'] for page in pages for o in page.get('Contents', [])]
photo = s3.get_object(Bucket='parts-bucket', Key=keys[0])
body, size = photo['Body'].read().decode(), s3.head_object(Bucket='parts-bucket', Key='large')['ContentLength']
s3.delete_objects(Bucket='parts-bucket', Delete={'Objects': [{'Key': k} for k in keys]})
s3.delete_bucket(Bucket='parts-bucket')
print(json.dumps([sorted(bodies), sender, left['ApproximateNumberOfMessages'], keys, body, photo['ContentType'], size]))
`,
      cloud.url,
    );
    assert.deepEqual(said, [
      ['first', 'second', 'third'],
      'boto3',
      '0',
      ['a folder/photo +1.jpg', 'large'],
      'photo',
      'image/jpeg',
      6 * 1024 * 1024,
    ]);
  });

  test('a presigned address works without credentials', async () => {
    const { cloud } = await starting;
    const address = await python(
      `${SETUP}
s3 = boto3.client('s3', **kw)
s3.create_bucket(Bucket='presigned'); s3.put_object(Bucket='presigned', Key='k', Body=b'hello')
print(json.dumps(s3.generate_presigned_url('get_object', Params={'Bucket': 'presigned', 'Key': 'k'})))
`,
      cloud.url,
    );
    assert.equal(await (await fetch(String(address))).text(), 'hello');
  });

  test('a service that is not here is a client error that says so', async () => {
    const { cloud } = await starting;
    const errors = await python(
      `${SETUP}
from botocore.exceptions import ClientError
def code(call):
    try: call(); return 'none'
    except ClientError as e: return e.response['Error']['Code'] + ': ' + e.response['Error']['Message']
print(json.dumps([code(boto3.client('dynamodb', **kw).list_tables), code(boto3.client('iam', **kw).list_users),
    code(lambda: boto3.client('ec2', **kw).create_vpc(CidrBlock='10.0.0.0/16'))]))
`,
      cloud.url,
    );
    assert.deepEqual(errors, [
      'UnknownService: The local cloud has SQS, S3, EC2, STS and one call of SSM, not the service dynamodb.',
      'UnknownService: The local cloud has SQS, S3, EC2, STS and one call of SSM, not the service iam.',
      'InvalidAction: The action CreateVpc is not valid for this web service.',
    ]);
  });
});
