import assert from 'node:assert/strict';
import { it } from 'node:test';
import { hasCredentials, hideCredentials, withoutCredentials } from './credentials.ts';

for (const [url, shown] of [
  ['redis://host:6379/1', 'redis://host:6379/1'],
  ['redis://:s3cret@host', 'redis://***@host'],
  ['rediss://user:s3cret@host:6380', 'rediss://***@host:6380'],
  ['redis://s3cret@host', 'redis://***@host'],
] as const) {
  it(`${url} is shown as ${shown}`, () => {
    assert.equal(withoutCredentials(url), shown);
    assert.equal(hasCredentials(url), url.includes('s3cret'));
  });
}

it('another program’s words are shown without credentials', () => {
  const said = 'cannot reach http://user:hunter2@proxy:3128/x or https://host/a@b for me@host';
  const shown = 'cannot reach http://***@proxy:3128/x or https://host/a@b for me@host';
  assert.equal(hideCredentials(said), shown);
});
