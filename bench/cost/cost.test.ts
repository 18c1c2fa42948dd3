import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CERTIFICATE, template } from '../../deploy/stack/template.fixture.ts';
import { ASSUMPTIONS, assume, idleMonth, type Measured, millionPhotos } from './bill.ts';

const measured: Measured = {
  photosPerSecond: 10,
  perPhoto: { sqs: 2, s3Writes: 2, s3Reads: 1 },
  perIdleHour: { sqs: 1000, s3Writes: 0, s3Reads: 0 },
};
const near = (actual: number, expected: number): void => {
  assert.ok(Math.abs(actual - expected) < 1e-6 * Math.max(1, expected), `${actual}, ${expected}`);
};

describe('the cost of a million photos', () => {
  it('is instance-hours at their price with disk and address, and each call at its own', () => {
    const bill = millionPhotos('c7g.large', measured, { ...ASSUMPTIONS, 'kept.days': 0 });
    near(bill.photosPerSecond, 20);
    near(bill.hours, 1e6 / (20 * 0.8 * 3600));
    near(bill.instances, bill.hours * (0.0725 + (8 * 0.08) / 730 + 0.005));
    near(bill.sqs, 0.8);
    near(bill.s3Calls, 10.4);
    near(bill.logs, 0.4);
    near(bill.sum, bill.instances + 0.8 + 10.4 + 0.4);
  });

  it('takes the surplus of a burstable instance beyond its baseline', () => {
    const idle = millionPhotos('t3.small', measured, { ...ASSUMPTIONS, busy: 0.2 });
    near(idle.instances / idle.hours, 0.0208 + (8 * 0.08) / 730 + 0.005);
    const busy = millionPhotos('t3.small', measured, { ...ASSUMPTIONS, busy: 1 });
    near(busy.instances / busy.hours, 0.0208 + 0.8 * 2 * 0.05 + (8 * 0.08) / 730 + 0.005);
  });

  it('follows the speed measured on such an instance where it is given', () => {
    const bill = millionPhotos('c7i.large', measured, assume(['c7i.large.photos=40']));
    near(bill.photosPerSecond, 80);
  });

  it('of a month without a photo has no worker in it', () => {
    const month = idleMonth(measured, ASSUMPTIONS);
    assert.equal(month.workers, 0);
    near(month.calls, (730 * 1000 * 0.4) / 1e6);
  });

  it('of a month adds the load balancer and its addresses only for HTTPS', () => {
    const month = idleMonth(measured, ASSUMPTIONS);
    near(month.sum, month.web + month.calls + 0.5);
    near(month.sumWithHttps - month.sum, 730 * (0.0225 + 2 * 0.005));
  });

  it('assumes as many alarms and balanced zones as the stack has', () => {
    const fronted = template({ certificateArn: CERTIFICATE });
    fronted.resourceCountIs('AWS::CloudWatch::Alarm', ASSUMPTIONS.alarms!);
    const [balancer] = Object.values(
      fronted.findResources('AWS::ElasticLoadBalancingV2::LoadBalancer'),
    );
    assert.equal(balancer?.Properties.Subnets.length, ASSUMPTIONS['balancer.addresses']);
  });

  for (const [given, rule] of [
    ['price=3', /there is no price; there are sqs\.million/],
    ['busy=much', /write a number/],
    ['busy', /write a number/],
  ] as const) {
    it(`--assume ${given} is refused with what to write`, () => {
      assert.throws(() => assume([given]), rule);
    });
  }
});
