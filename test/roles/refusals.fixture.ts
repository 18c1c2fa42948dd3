/** What each role must not do, by role. */
import { DescribeImagesCommand, TerminateInstancesCommand } from '@aws-sdk/client-ec2';
import { HeadObjectCommand } from '@aws-sdk/client-s3';
import { TagQueueCommand } from '@aws-sdk/client-sqs';
import { PROJECT_TAG } from '../../cloud/contract/names.ts';
import {
  instancesOf,
  KEY,
  launches,
  launchOwn,
  objects,
  queues,
  type Things,
  type Tries,
  tag,
} from './forbidden-calls.fixture.ts';

/** By role; the web tier's is the scaler's too. */
export function refusals(things: Things, id: string): Readonly<Record<string, Tries>> {
  const { own, instances } = things;
  const s3 = objects(things);
  const sqs = queues(things);
  return {
    worker: {
      ...s3.everywhere,
      ...sqs.everywhere,
      'delete a photo under its contract key': s3.drop(own.inBucket),
      'delete an answer': s3.drop(own.outBucket),
      'change people': s3.put(own.peopleBucket, 'gallery/head.json'),
      'delete people': s3.drop(own.peopleBucket, 'gallery/head.json'),
      'delete a photo on its way to a worker': s3.drop(own.peopleBucket, 'work/1'),
      'read the people bucket outside gallery and work': s3.get(own.peopleBucket),
      'receive replies': sqs.receive(own.replyQueue),
      'delete replies': sqs.drop(own.replyQueue),
      'receive dead letters': sqs.receive(own.deadLetterQueue),
      'delete dead letters': sqs.drop(own.deadLetterQueue),
      'claim the project': ({ sqs: client }) =>
        client.send(
          new TagQueueCommand({
            QueueUrl: things.queueUrl(own.requestQueue),
            Tags: { 'elastic-face:scaler': 'x' },
          }),
        ),
      ...launches(things, id),
      'launch from the project’s own template': launchOwn(things, id),
      ...instancesOf(things, 'foreign', 'an instance of another project'),
      'terminate an instance of its own project': ({ ec2 }) =>
        ec2.send(new TerminateInstancesCommand({ InstanceIds: [instances.own] })),
    },
    web: {
      ...s3.everywhere,
      ...sqs.everywhere,
      'read a photo': s3.get(own.inBucket),
      'delete a photo': s3.drop(own.inBucket),
      'list photos': s3.keys(own.inBucket),
      'look whether a photo is there': ({ s3: client }) =>
        client.send(new HeadObjectCommand({ Bucket: own.inBucket, Key: KEY })),
      'receive requests': sqs.receive(own.requestQueue),
      'delete requests': sqs.drop(own.requestQueue),
      'send replies': sqs.send(own.replyQueue),
      'write dead letters': sqs.send(own.deadLetterQueue),
      ...launches(things, id),
      ...instancesOf(things, 'foreign', 'an instance of another project'),
      ...instancesOf(things, 'bare', 'an instance without tags'),
      'give an instance away': tag(instances.own, PROJECT_TAG, 'other'),
      'put another tag on an instance': tag(instances.own, 'owner', 'me'),
      'list images': ({ ec2 }) => ec2.send(new DescribeImagesCommand({})),
    },
    provision: {
      ...without(s3.everywhere, 'keep photos for longer'),
      'read a photo': s3.get(own.inBucket),
      'write a photo': s3.put(own.inBucket),
      'read people': s3.get(own.peopleBucket, 'gallery/head.json'),
      'receive requests': sqs.receive(own.requestQueue),
      'send requests': sqs.send(own.requestQueue),
      'launch from the project’s own template': launchOwn(things, id),
    },
    doctor: {
      ...s3.everywhere,
      ...sqs.everywhere,
      'read a photo': s3.get(own.inBucket),
      'write an answer': s3.put(own.outBucket),
      'read people': s3.get(own.peopleBucket, 'gallery/head.json'),
      'receive requests': sqs.receive(own.requestQueue),
      'terminate an instance of the project': ({ ec2 }) =>
        ec2.send(new TerminateInstancesCommand({ InstanceIds: [instances.own] })),
    },
    destroy: {
      'delete another project’s photo': s3.drop(things.foreign.inBucket),
      'list another project’s people': s3.keys(things.foreign.peopleBucket),
      'read a photo': s3.get(own.inBucket),
      'write an answer': s3.put(own.outBucket),
      'terminate an instance of another project': ({ ec2 }) =>
        ec2.send(new TerminateInstancesCommand({ InstanceIds: [instances.foreign] })),
      'terminate an instance without tags': ({ ec2 }) =>
        ec2.send(new TerminateInstancesCommand({ InstanceIds: [instances.bare] })),
      'launch from the project’s own template': launchOwn(things, id),
    },
  };
}

function without(tries: Tries, what: string): Tries {
  return Object.fromEntries(Object.entries(tries).filter(([name]) => name !== what));
}
