import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { until } from '../../test/condition.fixture.ts';
import { liveState, skip, startPage } from './page.fixture.ts';
import { CLEAN, counts, link, useBrowser } from './tab.fixture.ts';

describe('the live view on the page', { skip }, () => {
  const page = useBrowser();

  it('shows what every instance does in words, the figures and the decisions', async () => {
    await page.withPage(await startPage(), async ({ tab, sins }) => {
      await link(tab, 'live');
      const words = await tab.locator('.tiles .word').allTextContents();
      assert.deepEqual(words, [
        ...['busy', 'idle', 'starting', 'launching'],
        ...['draining', 'drained', 'silent', 'stopping'],
      ]);
      const figures = await tab.locator('.figures dd').allTextContents();
      assert.deepEqual(figures, ['3', '2', '4.2', '310 ms', '1.7 s', '1.5 s']);
      assert.match(String(await tab.textContent('.decisions')), /launch app-tier-instances 3-4/);
      assert.equal(await tab.locator('.plot canvas').count(), 2);
      assert.deepEqual(sins, CLEAN);
    });
  });

  it('takes instances away that are gone, and says so when none is left', async () => {
    const double = await startPage();
    await page.withPage(double, async ({ tab }) => {
      await counts(tab, '.tiles li', 8);
      double.state = liveState({ instances: [] });
      await tab.waitForSelector('text=No instances');
      assert.equal(await tab.locator('.tiles li').count(), 0);
    });
  });

  it('says that it reconnects, and does, when the stream ends', async () => {
    const double = await startPage();
    await page.withPage(double, async ({ tab }) => {
      await link(tab, 'live');
      double.liveStatus = 503;
      double.cut();
      await link(tab, 'reconnecting');
      assert.equal(await tab.textContent('#link'), 'reconnecting');
      double.liveStatus = 200;
      await link(tab, 'live');
      assert.equal(await tab.textContent('#announce'), 'The live view is back.');
    });
  });

  it('holds no stream while nobody looks at it', async () => {
    const double = await startPage();
    await page.withPage(double, async ({ tab }) => {
      await link(tab, 'live');
      await tab.evaluate(hide(true));
      await until('the stream to be left', () => double.watching === 0);
      assert.equal(await tab.textContent('#link'), 'paused');
      await tab.evaluate(hide(false));
      await link(tab, 'live');
    });
  });

  it('asks for a key, keeps it in this tab only, and goes on with it', async () => {
    const double = await startPage();
    double.liveStatus = 401;
    await page.withPage(double, async ({ tab }) => {
      await link(tab, 'locked');
      await tab.fill('#key-field', 'secret');
      double.liveStatus = 200;
      await tab.press('#key-field', 'Enter');
      await link(tab, 'live');
      assert.equal(double.keys.at(-1), 'Bearer secret');
      double.liveStatus = 401;
      double.cut();
      await tab.waitForSelector('text=The server does not accept this key');
      assert.equal(await tab.evaluate('sessionStorage.length'), 1);
      assert.equal(await tab.evaluate('localStorage.length + document.cookie.length'), 0);
    });
  });
});

/** Headless Chromium never hides a tab: the page is told so instead. */
function hide(hidden: boolean): string {
  return `Object.defineProperty(document, 'hidden', { value: ${hidden}, configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));`;
}
