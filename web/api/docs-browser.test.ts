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
    assert.equal(await tab.locator('.opblock').count(), await operations(app.url));
    await tab.locator('.opblock-post .opblock-summary-control').last().click();
    await tab.waitForSelector('.opblock-body');
    assert.deepEqual(sins, { console: [], hosts: [] });
  } finally {
    await browser.close();
    await app.stop();
  }
});

async function operations(url: string): Promise<number> {
  const { paths } = (await (await fetch(`${url}openapi.json`)).json()) as {
    paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  };
  return Object.values(paths)
    .flatMap(Object.keys)
    .filter((key) => /^(?:get|post|put|patch|delete)$/.test(key)).length;
}
