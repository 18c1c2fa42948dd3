import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { until } from '../../test/condition.fixture.ts';
import { MATCH, skip, startPage } from './page.fixture.ts';
import { CLEAN, counts, useBrowser } from './tab.fixture.ts';

describe('a burst from the page', { skip }, () => {
  const page = useBrowser();

  it('sends a burst of samples and tells how it went', async () => {
    await page.withPage(await startPage(), async ({ tab, sins }) => {
      await tab.check('.burst input[value="10"]');
      await tab.click('#burst-send');
      await tab.waitForSelector('text=/^10 of 10 answered in /');
      assert.equal(await tab.locator('.cells [data-state=answered]').count(), 10);
      assert.equal(await tab.textContent('.tally'), 'Ada10');
      assert.equal(await tab.textContent('#burst-send'), 'Send');
      assert.deepEqual(sins, CLEAN);
    });
  });

  it('sends a burst of the photos that were chosen', async () => {
    const files: string[] = [];
    const recognise = async ({ file }: { file: string }) => {
      files.push(file);
      return MATCH;
    };
    await page.withPage(await startPage(recognise, 0), async ({ tab }) => {
      await tab.waitForSelector('text=this server has no samples');
      assert.equal(await tab.isEnabled('#burst-send'), false);
      await tab.setInputFiles('#files', [page.photo, { ...page.photo, name: 'other.jpg' }]);
      await counts(tab, '.card[data-state=answered]', 2);
      await tab.check('.burst input[value="10"]');
      await tab.click('#burst-send');
      await tab.waitForSelector('text=/^10 of 10 answered in /');
      assert.equal(files.filter((name) => name === 'other.jpg').length, 1 + 5);
    });
  });

  it('stops a burst', async () => {
    let taken = 0;
    const recognise = async () => {
      taken += 1;
      if (taken > 3) await new Promise(() => {});
      return MATCH;
    };
    await page.withPage(await startPage(recognise), async ({ tab }) => {
      await tab.check('.burst input[value="100"]');
      await tab.click('#burst-send');
      await until('some photos', () => taken > 3);
      await tab.click('#burst-send');
      await tab.waitForSelector('text=/^0 of 100 answered.*stopped$/');
    });
  });
});
