import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { describe, it } from 'node:test';
import { until } from '../../test/condition.fixture.ts';
import { skip, startPage } from './page.fixture.ts';
import { link, useBrowser } from './tab.fixture.ts';

describe('the page for whoever comes', { skip }, () => {
  const page = useBrowser();

  it('works by keyboard alone', async () => {
    await page.withPage(await startPage(), async ({ tab }) => {
      await tab.waitForSelector('#burst-send:enabled');
      const order: string[] = [];
      for (let n = 0; n < 7; n++) {
        await tab.keyboard.press('Tab');
        order.push(
          String(await tab.evaluate('document.activeElement.id || document.activeElement.name')),
        );
      }
      assert.deepEqual(order, [
        ...['tab-photos', 'pick', 'camera-open', 'sample', 'count', 'source', 'burst-send'],
      ]);
      const chooser = tab.waitForEvent('filechooser');
      await tab.focus('#pick');
      await tab.keyboard.press('Enter');
      await (await chooser).setFiles(page.photo);
      await tab.waitForSelector('.card[data-state=answered]');
      await tab.focus('.burst input[value="30"]');
      await tab.keyboard.press('ArrowLeft');
      await tab.keyboard.press('Enter');
      await tab.waitForSelector('text=/^10 of 10 answered in /');
    });
  });

  it('fits a phone of 360 pixels', async () => {
    const phone = { viewport: { width: 360, height: 780 } };
    await page.withPage(
      await startPage(),
      async ({ tab }) => {
        await tab.setInputFiles('#files', { ...page.photo, name: `${'long'.repeat(40)}.jpg` });
        await tab.waitForSelector('.card[data-state=answered]');
        await link(tab, 'live');
        await tab.check('.burst input[value="100"]');
        await tab.click('#burst-send');
        await tab.waitForSelector('.cells');
        assert.equal(await tab.evaluate('document.documentElement.scrollWidth'), 360);
      },
      phone,
    );
  });

  for (const colorScheme of ['light', 'dark'] as const) {
    it(`has nothing serious that keeps people out, in ${colorScheme}`, async () => {
      await page.withPage(
        await startPage(),
        async ({ tab }) => {
          await tab.setInputFiles('#files', [
            page.photo,
            { ...page.photo, buffer: Buffer.from('hello') },
          ]);
          await tab.waitForSelector('.card[data-state=answered]');
          await tab.waitForSelector('.card[data-state=failed]');
          await link(tab, 'live');
          // On a busy machine the photos above may have been offered before the samples were.
          await tab.check('.burst input[value="samples"]');
          await tab.check('.burst input[value="10"]');
          await tab.click('#burst-send');
          await tab.waitForSelector('text=/^10 of 10 answered in /');
          await tab.addScriptTag({ path: createRequire(import.meta.url).resolve('axe-core') });
          const { violations } = (await tab.evaluate('axe.run()')) as {
            violations: { id: string; impact: string; nodes: { html: string }[] }[];
          };
          const bad = violations.filter(({ impact }) => /serious|critical/.test(impact));
          assert.deepEqual(
            bad.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]),
            [],
          );
        },
        { colorScheme, bypassCSP: true, reducedMotion: 'reduce' },
      );
    });
  }

  it('is painted before its scripts have come', async (t) => {
    await page.withPage(await startPage(), async ({ tab }) => {
      await link(tab, 'live');
      const asked = Promise.withResolvers<void>();
      const painted = Promise.withResolvers<void>();
      await tab.route('**/*.ts', async (route) => {
        asked.resolve();
        await painted.promise;
        await route.continue();
      });
      await tab.reload({ waitUntil: 'commit' });
      await asked.promise;
      const ms = await until('the first paint', async () => {
        const first = `performance.getEntriesByName('first-contentful-paint')[0]?.startTime`;
        return (await tab.evaluate<number | undefined>(first)) ?? false;
      });
      painted.resolve();
      await link(tab, 'live');
      t.diagnostic(`first contentful paint after ${Math.round(ms)} ms`);
    });
  });
});
