import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runInput } from './launch-input.ts';

const place = { instanceType: 'c7i.large', subnetId: 'subnet-1', spot: false };
const call = { numbers: [3], token: 'once', place };
const options = { projectId: 'demo', userData: { PROJECT_ID: 'demo' } };

describe('a launch', () => {
  it('from a template asks for no image of its own, and still for tags and settings', () => {
    const input = runInput(call, { ...options, launchTemplateId: 'lt-0123456789abcdef0' });
    assert.deepEqual(input.LaunchTemplate, {
      LaunchTemplateId: 'lt-0123456789abcdef0',
      Version: '$Latest',
    });
    assert.ok(!('ImageId' in input) && !('IamInstanceProfile' in input));
    assert.deepEqual(input.TagSpecifications[0]?.Tags, [
      { Key: 'Name', Value: 'app-tier-instance-3' },
      { Key: 'elastic-face:project', Value: 'demo' },
    ]);
    assert.equal(Buffer.from(input.UserData, 'base64').toString(), 'PROJECT_ID=demo\n');
  });

  it('without one names the image', () => {
    const input = runInput(call, { ...options, imageId: 'ami-0123456789abcdef0' });
    assert.equal(input.ImageId, 'ami-0123456789abcdef0');
    assert.ok(!('LaunchTemplate' in input));
  });
});
