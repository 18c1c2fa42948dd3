import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { before, describe, it } from 'node:test';
import { receiptSchema } from '../../people/api.ts';
import { until } from '../../test/condition.fixture.ts';
import { skip } from './page.fixture.ts';
import { choose, names, usePeople } from './people-page.fixture.ts';
import { counts } from './tab.fixture.ts';

describe('receipts and earlier versions on the page', { skip }, () => {
  const people = usePeople();
  before(async () => {
    for (let number = 1; number <= 11; number++) await people.stage.enrol(`Number ${number}`);
    await people.stage.enrol('Bob');
  });

  it('forgets a person after a confirmation, and offers the receipt as a file', () =>
    people.open(async ({ tab }) => {
      await tab.fill('#people-search', 'bob');
      await counts(tab, '.person', 1);
      await choose(tab, 'Bob', 'Forget');
      await tab.getByRole('button', { name: 'Cancel' }).click();
      assert.deepEqual(await names(tab), ['Bob']);
      await choose(tab, 'Bob', 'Forget');
      await tab.getByRole('button', { name: 'Forget Bob' }).click();
      const download = tab.waitForEvent('download');
      await tab.click('text=Download the receipt as JSON');
      const file = await (await download).path();
      assert.equal(receiptSchema.parse(JSON.parse(await readFile(file, 'utf8'))).reason, 'request');
      await tab.getByRole('button', { name: 'Close' }).click();
      await tab.waitForSelector('text=0 people found');
    }));

  it('follows a receipt that is not done to its end, also when its dialog is closed', async () => {
    for (const isClosed of [false, true]) {
      await people.stage.enrol('Slowly Forgotten');
      await people.open(async ({ tab }) => {
        const released = Promise.withResolvers<void>();
        await tab.route(/v1\/people\/[0-9a-f-]{36}$/, async (route) => {
          if (route.request().method() !== 'DELETE') return route.fallback();
          const response = await route.fetch();
          // As it is answered while traces are still being erased.
          const pending = { ...(await response.json()), status: 'pending', removed: [] };
          await route.fulfill({ response, status: 202, json: pending });
        });
        await tab.route(/v1\/receipts\//, async (route) => {
          await released.promise;
          await route.fallback();
        });
        await tab.fill('#people-search', 'slowly');
        await counts(tab, '.person', 1);
        await choose(tab, 'Slowly Forgotten', 'Forget');
        await tab.getByRole('button', { name: 'Forget Slowly Forgotten' }).click();
        const pending = tab.getByRole('dialog', { name: 'Slowly Forgotten is being forgotten' });
        await pending.locator('text=nothing yet').waitFor();
        if (isClosed) {
          await pending.getByRole('button', { name: 'Close' }).click();
          await tab.waitForSelector('#receipts >> text=Slowly Forgotten is being forgotten');
        }
        released.resolve();
        const end = 'Slowly Forgotten is forgotten: the receipt is complete.';
        await until('the end', async () => (await tab.textContent('#announce')) === end);
        if (isClosed) {
          await tab.waitForSelector('#receipts >> text=Slowly Forgotten is forgotten');
          await tab.getByRole('button', { name: 'Receipt of Slowly Forgotten' }).click();
        }
        const done = tab.getByRole('dialog', { name: 'Slowly Forgotten is forgotten' });
        await done.locator('text=/faces: 1/').waitFor();
        const download = tab.waitForEvent('download');
        await done.getByText('Download the receipt as JSON').click();
        const file = await (await download).path();
        assert.equal(receiptSchema.parse(JSON.parse(await readFile(file, 'utf8'))).status, 'done');
        await done.getByRole('button', { name: 'Close' }).click();
        await counts(tab, '#receipts li', 0);
      });
    }
  });

  it('shows ten versions at once, and more when asked', () =>
    people.open(async ({ tab }) => {
      await tab.click('text=Earlier versions');
      await counts(tab, '.versions li', 10);
      await tab.click('text=Show more versions');
      await until('more versions', async () => (await tab.locator('.versions li').count()) > 10);
      assert.match(String(await tab.textContent('#announce')), /^\d+ versions shown\.$/);
    }));

  it('lists the versions of the gallery, and rolls back to one', async () => {
    const { version, people: many } = (await people.stage.json('GET', 'v1/gallery')).body;
    await people.stage.enrol('Rolled back');
    await people.open(async ({ tab }) => {
      await tab.waitForSelector(`text=/^Version ${version + 1}: ${many + 1} people/`);
      await tab.click('text=Earlier versions');
      await tab.getByRole('button', { name: `Roll back to version ${version}` }).click();
      await tab.getByRole('dialog').getByRole('button', { name: 'Roll back' }).click();
      await tab.waitForSelector(`text=/^Version ${version + 2}: ${many} people/`);
      await tab.fill('#people-search', 'Rolled back');
      await tab.waitForSelector('text=0 people found');
    });
  });
});
