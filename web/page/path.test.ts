/** Behind a proxy that serves the whole service under a path, as nginx does with `location /faces/`. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type PageDouble, skip, startPage } from './page.fixture.ts';
import { behindPath } from './path.fixture.ts';
import { CLEAN, link, useBrowser } from './tab.fixture.ts';

describe('the page under a path of a proxy', { skip }, () => {
  const page = useBrowser();

  it('loads, shows the live view, samples, and answers photos', async () => {
    await page.withPage(await proxied(await startPage()), async ({ tab, sins }) => {
      await link(tab, 'live');
      await tab.setInputFiles('#files', page.photo);
      await tab.waitForSelector('.card[data-state=answered]');
      await tab.click('#sample');
      await tab.locator('.card[data-state=answered]').nth(1).waitFor();
      await tab.check('.burst input[value="10"]');
      await tab.click('#burst-send');
      await tab.waitForSelector('text=/^10 of 10 answered in /');
      assert.deepEqual(sins, CLEAN);
    });
  });

  it('so does the page of the API, which tries operations at the proxy too', async () => {
    const double = await proxied(await startPage());
    await page.withPage({ ...double, url: `${double.url}docs` }, async ({ tab, sins }) => {
      await tab.click('#operations-default-problem .opblock-summary-control');
      await tab.click('.try-out button');
      await tab.click('.execute');
      await tab.waitForSelector('.live-responses-table .response >> text=200');
      await tab.goto(`${double.url}docs/`);
      await tab.waitForSelector('.opblock');
      assert.deepEqual(sins, CLEAN);
    });
  });
});

async function proxied(double: PageDouble): Promise<PageDouble> {
  const proxy = await behindPath(double.url);
  return {
    ...double,
    url: proxy.url,
    async stop() {
      await proxy.stop();
      await double.stop();
    },
  };
}
