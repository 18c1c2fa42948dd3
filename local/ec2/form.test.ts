import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { createLogger } from '../../runtime/log.ts';
import { fuzzCases } from '../../test/fuzz.fixture.ts';
import { answerEc2 } from './answer.ts';
import { Ec2Error } from './errors.ts';
import { InstanceFleet } from './fleet/fleet.ts';
import { Imitation } from './fleet/imitation.ts';
import { parseForm } from './form.ts';
import { actionOf, readRequest, requests } from './requests.ts';

const plain = (text: string): unknown => JSON.parse(JSON.stringify(parseForm(text)));

test('dotted names become lists, in the order of their numbers, and objects', () => {
  assert.deepEqual(
    plain(
      'Action=DescribeInstances&Filter.1.Name=tag%3AName&Filter.1.Value.10=c&Filter.1.Value.2=b&Filter.1.Value.1=a&Filter.2.Name=x&Filter.2.Value.1=',
    ),
    {
      Action: 'DescribeInstances',
      Filter: [
        { Name: 'tag:Name', Value: ['a', 'b', 'c'] },
        { Name: 'x', Value: [''] },
      ],
    },
  );
});

test('a name given twice, half a structure or an empty part is refused', () => {
  for (const text of ['A=1&A=2', 'A=1&A.B=2', 'A.B=2&A=1', 'A..B=1', '.=1', 'A.=1', '=1']) {
    assert.throws(
      () => parseForm(text),
      (error) => error instanceof Ec2Error && error.ec2Code === 'MalformedQueryString',
      text,
    );
  }
});

test('too many parameters and too deep names are refused, not suffered', () => {
  const many = Array.from({ length: 10_001 }, (_, i) => `A.${i + 1}=x`).join('&');
  assert.throws(() => parseForm(many), Ec2Error);
  assert.throws(() => parseForm(`${'A.'.repeat(5000)}B=1`), Ec2Error);
});

test('names of the prototype are only names', () => {
  const form = parseForm(
    'Filter.1.Name=a&Filter.1.Value.1=b&Filter.1.__proto__.polluted=yes&__proto__.polluted=yes&constructor.x=1',
  );
  assert.equal(({} as Record<string, unknown>).polluted, undefined);
  assert.equal(Object.getPrototypeOf(form), null);
  assert.ok(Object.hasOwn(form, '__proto__'));
  assert.throws(
    () => readRequest('DescribeInstances', form),
    (error) => error instanceof Ec2Error && error.ec2Code === 'UnknownParameter',
  );
});

const part = fc.oneof(
  fc.constantFrom(
    ...'Action,Version,Filter,Name,Value,InstanceId,MinCount,MaxCount,ImageId,Tag,Key,TagSpecification,ResourceType,ResourceId,UserData,MaxResults,NextToken,DryRun,__proto__,constructor,prototype,toString'.split(
      ',',
    ),
  ),
  fc.nat({ max: 3 }).map(String),
  fc.string({ maxLength: 4 }),
);
const name = fc.array(part, { minLength: 1, maxLength: 5 }).map((parts) => parts.join('.'));
const value = fc.oneof(
  fc.constantFrom('1', '5', 'true', 'i-0123456789abcdef0', 'ami-12345678', '*', 'tag:Name', 'eA=='),
  fc.string({ unit: 'binary', maxLength: 8 }),
);
const forms = fc.array(fc.tuple(name, value), { maxLength: 12 });

test('no form makes the parser or the schemas throw anything but an EC2 error', () => {
  fc.assert(
    fc.property(forms, fc.constantFrom(...Object.keys(requests)), (pairs, action) => {
      const text = new URLSearchParams([['Action', action], ...pairs]).toString();
      try {
        const form = parseForm(text);
        readRequest(actionOf(form), form);
      } catch (error) {
        assert.ok(error instanceof Ec2Error, String(error));
      }
      assert.deepEqual(Object.keys(Object.prototype), []);
    }),
    { numRuns: fuzzCases },
  );
});

test('whatever is asked, the answer is well-formed XML that says ok or why not, never a 500', () => {
  const fleet = new InstanceFleet({
    launch: () => new Promise(() => undefined),
    region: 'us-east-1',
    limit: 3,
    imitation: new Imitation(),
    keepTerminatedMs: 1000,
    now: () => new Date(0),
    onChange: () => undefined,
    onSpotNotice: () => undefined,
  });
  const log = createLogger('test', 'silent');
  const parser = new XMLParser();
  fc.assert(
    fc.property(forms, fc.constantFrom(...Object.keys(requests)), (pairs, action) => {
      const text = new URLSearchParams([['Action', action], ...pairs]).toString();
      const { status, body } = answerEc2(fleet, text, log);
      assert.ok([200, 400, 412].includes(status), `${status} ${text}`);
      assert.equal(XMLValidator.validate(body), true, body);
      const [root] = Object.keys(parser.parse(body)).filter((key) => key !== '?xml');
      assert.equal(root, status === 200 ? `${action}Response` : 'Response');
    }),
    { numRuns: fuzzCases },
  );
});
