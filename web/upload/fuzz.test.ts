import assert from 'node:assert/strict';
import { Agent } from 'node:http';
import { test } from 'node:test';
import fc from 'fast-check';
import { isFileName } from '../../cloud/contract/file-names.ts';
import { until } from '../../test/condition.fixture.ts';
import { type Answer, formBody, plainPhoto, post } from '../../test/form.fixture.ts';
import { damaged, FUZZ_TIMEOUT_MS, fuzzCases } from '../../test/fuzz.fixture.ts';
import { startApp } from '../app.fixture.ts';

/** Requests under way at once. */
const AT_ONCE = 8;

test('whatever form comes is a photo with a good name or a 4xx with one sentence', {
  timeout: FUZZ_TIMEOUT_MS,
}, async (t) => {
  const app = await startApp();
  t.after(() => app.stop());
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
  const photo = (await plainPhoto()).subarray(0, 400);
  const originals = [
    formBody([{ fileName: 'a.jpg', bytes: photo }]),
    formBody([
      { field: 'a[b][1]', bytes: 'x' },
      { fileName: 'b.png', bytes: photo },
    ]),
    formBody([
      { field: '__proto__', bytes: 'x' },
      { fileName: "a'; filename*=UTF-8''c", bytes: photo },
    ]),
  ];
  const boundary = 'elastic-face-test-boundary';
  const types = fc.oneof(
    { weight: 9, arbitrary: fc.constant(`multipart/form-data; boundary=${boundary}`) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        'multipart/form-data; boundary="',
        `multipart/form-data; boundary=${boundary}; charset=utf-7`,
        'multipart/form-data; boundary=',
        `multipart/mixed; boundary=${boundary}`,
      ),
    },
  );
  const judge = ({ status, text }: Answer): void => {
    assert.ok(status === 200 || (status >= 400 && status < 500), `${status} ${text}`);
    assert.match(text, status === 200 ? /^[^:\r\n]+:Somebody$/ : /^[\x20-\x7e]+$/);
  };
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(damaged(originals), types), { minLength: AT_ONCE, maxLength: AT_ONCE }),
      async (forms) => {
        const answers = forms.map(([body, contentType]) =>
          post(app.url, body, { contentType, agent }),
        );
        for (const answer of await Promise.all(answers)) judge(answer);
      },
    ),
    { numRuns: Math.ceil(fuzzCases / AT_ONCE) },
  );
  await until('nothing to be held', () => app.admission.requests + app.admission.uploadBytes === 0);
  for (const { file } of app.taken) assert.ok(isFileName(file), file);
  assert.deepEqual(Object.keys(Object.prototype), []);
  agent.destroy();
});
