import assert from 'node:assert/strict';
import { it } from 'node:test';
import { hasCredentials, withoutCredentials } from './credentials.ts';

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
