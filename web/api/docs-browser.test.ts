import assert from 'node:assert/strict';
import { it } from 'node:test';
import { startApp } from '../app.fixture.ts';
import { openChromium, openTab, skip } from '../page/page.fixture.ts';

it('the page of the API shows every operation, and breaks no policy and asks nobody else', {
  skip,
}, async () => {
  const app = await startApp();
  const browser = await openChromium();
  try {
    const { tab, sins } = await openTab(browser, `${app.url}docs`);
    await tab.waitForSelector('.opblock');
    assert.equal(await tab.locator('.opblock').count(), 5);
    await tab.locator('.opblock-post .opblock-summary-control').last().click();
    await tab.waitForSelector('.opblock-body');
    assert.deepEqual(sins, { console: [], hosts: [] });
  } finally {
    await browser.close();
    await app.stop();
  }
});
