/**
 * A web node that is killed: enrols people one after the other, three at a time, and says each that was answered.
 * Arguments: the address of S3, the bucket, the first number.
 */
import { createAwsClients } from '../cloud/aws/clients.ts';
import { quiet, REGION } from '../local/cloud.fixture.ts';
import { person } from './people.fixture.ts';
import { enrol } from './store.fixture.ts';
import { openGallery } from './store.ts';

const [url = '', bucket = '', first = '0'] = process.argv.slice(2);
const { s3 } = createAwsClients({ AWS_REGION: REGION, AWS_ENDPOINT_URL: url });
const store = openGallery({ s3, bucket, versions: 20, log: quiet });

for (let number = Number(first); ; number += 3) {
  await Promise.all(
    [0, 1, 2].map(async (more) => {
      const who = person(`P${number + more}`);
      await enrol(store, who);
      process.stdout.write(`${who.name}\n`);
    }),
  );
}
