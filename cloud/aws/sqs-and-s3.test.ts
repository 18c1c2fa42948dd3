import { startTestCloud } from '../../test/cloud.fixture.ts';
import { queuesAndBuckets } from './sqs-and-s3.fixture.ts';

queuesAndBuckets('fauxqs', startTestCloud);
