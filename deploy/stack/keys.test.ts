import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { readServiceSettings } from '../../runtime/settings.ts';
import { keyHash, makeKey } from '../../web/keys.ts';
import { readStackOptions, requireClosed } from './options.ts';
import { CERTIFICATE, openPorts, template } from './template.fixture.ts';

const PROGRAM = join(import.meta.dirname, '../../elastic-face.ts');
const demo = template();
interface Parameter {
  Default?: string;
  AllowedPattern: string;
}
const parameters = demo.toJSON().Parameters as Record<string, Parameter>;
/** CloudFormation matches the whole value. */
const takes = (name: string, value: string): boolean =>
  new RegExp(`^(?:${parameters[name]?.AllowedPattern})$`).test(value);

describe('keys of the stack', () => {
  it('must be given: without them CloudFormation creates nothing', () => {
    for (const name of ['ApiKeys', 'AdminKeyHash']) {
      assert.ok(parameters[name], name);
      assert.equal(parameters[name].Default, undefined, name);
      assert.ok(!takes(name, ''), name);
    }
  });

  it('are hashes, which the web tier takes as they are; a key itself is refused', () => {
    const [one, other] = [makeKey(), makeKey()];
    const entries = `alice:${keyHash(one)},bob:${keyHash(other)}`;
    assert.ok(takes('ApiKeys', entries));
    assert.ok(takes('AdminKeyHash', keyHash(one)));
    assert.ok(!takes('ApiKeys', `alice:${one}`));
    assert.ok(!takes('AdminKeyHash', one));
    const settings = { API_KEYS: entries, ADMIN_KEY_HASH: keyHash(one), RATE_PER_MINUTE: '60' };
    assert.equal(readServiceSettings('web', {}, settings).API_KEYS, entries);
  });

  it('and their rate limit reach the web tier', () => {
    const text = JSON.stringify(demo.toJSON().Resources);
    for (const [setting, parameter] of [
      ['API_KEYS', 'ApiKeys'],
      ['ADMIN_KEY_HASH', 'AdminKeyHash'],
      ['RATE_PER_MINUTE', 'RatePerMinute'],
    ]) {
      assert.match(text, new RegExp(`${setting}=",\\{"Ref":"${parameter}"\\}`));
    }
    assert.ok(takes('RatePerMinute', '600'));
    assert.ok(!takes('RatePerMinute', 'many'));
  });
});

describe('deploy synth', () => {
  const out = mkdtempSync(join(tmpdir(), 'elastic-face-keys-'));
  after(() => rmSync(out, { recursive: true }));
  const synth = (...flags: string[]) =>
    spawnSync(
      process.execPath,
      [PROGRAM, 'deploy', 'synth', '--id', 'demo', '--out', out, ...flags],
      { encoding: 'utf8' },
    );

  it('makes the first keys when asked, shows them once, and writes them nowhere', () => {
    const { stdout } = synth('--plain-http', '--new-keys');
    const [client, admin, ...more] = stdout.match(/\bef_[\w-]{43}/g) ?? [];
    assert.ok(client && admin);
    assert.deepEqual(more, []);
    assert.match(stdout, new RegExp(`ApiKeys=client:${keyHash(client)} `));
    assert.match(stdout, new RegExp(`AdminKeyHash=${keyHash(admin)}$`, 'm'));
    const file = readFileSync(join(out, 'elastic-face-demo.template.json'), 'utf8');
    assert.doesNotMatch(file, /ef_[\w-]{43}/);
  });

  it('writes nothing that leaves the way in open by an omission', () => {
    const { status, stderr, stdout } = synth();
    assert.equal(status, 2);
    assert.equal(stdout, '');
    assert.match(stderr, /^HTTPS needs a certificate/);
  });
});

describe('the web tier', () => {
  const closed = (given: Record<string, unknown>) => () =>
    requireClosed(readStackOptions({ id: 'demo', ...given }));

  it('speaks HTTPS unless plain HTTP is asked for by name', () => {
    assert.throws(closed({}), /give --certificate-arn.*--plain-http/s);
    assert.throws(closed({ plainHttp: true, certificateArn: CERTIFICATE }), /one of them/);
    assert.doesNotThrow(closed({ certificateArn: CERTIFICATE }));
    assert.doesNotThrow(closed({ plainHttp: true }));
  });

  it('has no keys only where the networks that may connect are named', () => {
    const open = { plainHttp: true, keys: 'none' };
    assert.throws(closed(open), /everybody in 0\.0\.0\.0\/0/);
    assert.throws(closed({ ...open, allowFrom: '0.0.0.0/1,128.0.0.0/1' }), /0\.0\.0\.0\/1/);
    const allowFrom = '203.0.113.0/24, 198.51.100.7/32';
    assert.doesNotThrow(closed({ ...open, allowFrom }));
    assert.deepEqual(openPorts(template({ ...open, allowFrom })), [
      ['203.0.113.0/24', 8000],
      ['198.51.100.7/32', 8000],
    ]);
    assert.throws(closed({ allowFrom: 'home' }), /allowFrom must be IPv4 ranges/);
  });

  it('is reached only through the balancer where there is one, also from named networks', () => {
    const fronted = { certificateArn: CERTIFICATE };
    assert.deepEqual(openPorts(template(fronted)), [['0.0.0.0/0', 443]]);
    const allowFrom = '203.0.113.0/24';
    assert.deepEqual(openPorts(template({ ...fronted, allowFrom })), [[allowFrom, 443]]);
    template(fronted).hasResourceProperties('AWS::ElasticLoadBalancingV2::Listener', {
      Protocol: 'HTTPS',
      Port: 443,
    });
  });
});
