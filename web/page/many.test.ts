/** Many photos at once, in a list that keeps every answer. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import { until } from '../../test/condition.fixture.ts';
import { httpError } from '../errors.ts';
import { MATCH, type PageDouble, skip, startPage } from './page.fixture.ts';
import { counts, useBrowser } from './tab.fixture.ts';

/** Gives the page files of these names, as a drop of so many would. */
const drop = (tab: Page, photo: Buffer, names: readonly string[]): Promise<void> =>
  tab.evaluate(`{
    const bytes = new Uint8Array([${[...photo].join(',')}]);
    const data = new DataTransfer();
    for (const name of ${JSON.stringify(names)}) {
      data.items.add(new File([bytes], name, { type: 'image/jpeg' }));
    }
    document.dispatchEvent(new DragEvent('drop', { dataTransfer: data }));
  }`);

/** PAGE_PHOTOS sets another number; a thousand take a few seconds more. */
const MANY = Number(process.env.PAGE_PHOTOS ?? 300);

const numbered = (count: number): string[] =>
  Array.from({ length: count }, (_, n) => `${String(n).padStart(4, '0')}.jpg`);

describe('many photos on the page', { skip }, () => {
  const page = useBrowser();

  it('keeps the answer of each of 100 photos, the first open and the others as lines', async () => {
    const recognise = async ({ file }: { file: string }) => ({ ...MATCH, name: `Ada ${file}` });
    await page.withPage(await startPage(recognise), async ({ tab }) => {
      await drop(tab, page.photo.buffer, numbered(100));
      await tab.waitForSelector('text=/^100 photos answered in /');
      const titles = await tab.locator('.card[data-state=answered] h3').allTextContents();
      assert.deepEqual(
        titles,
        numbered(100).map((name) => `Ada ${name}`),
      );
      assert.equal(await tab.locator('.card[data-open]').count(), 3);
      const last = tab.locator('.card').last();
      await last.locator('.toggle').press('Enter');
      await last.locator('.nearest').waitFor();
      await last.locator('.toggle').press('Enter');
      await last.locator('.nearest').waitFor({ state: 'detached' });
      assert.equal(await tab.evaluate('document.activeElement.ariaExpanded'), 'false');
    });
  });

  it('sends a few requests at a time, says how far it is, and can be stopped', async () => {
    let answered = 0;
    const gate = Promise.withResolvers<void>();
    const recognise = async () => {
      answered += 1;
      if (answered > 37) await gate.promise;
      return MATCH;
    };
    await page.withPage(await startPage(recognise), async ({ tab }) => {
      let requests = 0;
      let most = 0;
      const isPost = (url: string) => url.includes('/v1/recognitions');
      tab.on('request', (request) => {
        if (isPost(request.url())) most = Math.max(most, ++requests);
      });
      tab.on('requestfinished', (request) => {
        if (isPost(request.url())) requests -= 1;
      });
      await drop(tab, page.photo.buffer, numbered(100));
      await tab.waitForSelector('text=/^\\d+ of 100$/');
      await tab.waitForSelector('.card[data-state=sent]');
      await tab.waitForSelector('.card >> text=waiting to be sent');
      assert.ok(most <= 5, `${most} at once`);
      await tab.click('#progress-stop');
      await tab.locator('.card h3:text-is("Not sent")').first().waitFor();
      await counts(tab, '.card[data-state=waiting]', 0);
      gate.resolve();
      await tab.click('#progress-retry');
      await tab.waitForSelector('text=/photos answered in /');
      await counts(tab, '.card[data-state=answered]', 100);
    });
  });

  it('tries photos of a failed request again, one by one or all', async () => {
    const failing = new Set(numbered(4));
    const recognise = async ({ file }: { file: string }) => {
      if (failing.has(file)) throw httpError.busy();
      return MATCH;
    };
    await page.withPage(await startPage(recognise), async ({ tab }) => {
      await drop(tab, page.photo.buffer, numbered(6));
      await tab.waitForSelector('text=/^2 photos answered, 4 failed in /');
      failing.delete('0001.jpg');
      await tab.click('button[aria-label="Retry 0001.jpg"]');
      await counts(tab, '.card[data-state=answered]', 3);
      failing.clear();
      await tab.click('text=Retry 3 failed');
      await counts(tab, '.card[data-state=answered]', 6);
      await tab.click('#progress-clear');
      await counts(tab, '.card', 0);
      await tab.waitForSelector('#empty');
    });
  });

  it('answers the others of a request in which one photo was too large', async () => {
    await page.withPage(await startPage(), async ({ tab }) => {
      await tab.evaluate(`{
        const data = new DataTransfer();
        const photo = new Uint8Array([${[...page.photo.buffer].join(',')}]);
        for (let n = 0; n < 30; n++) {
          const bytes = n === 4 ? new Uint8Array(1.5e6) : photo;
          data.items.add(new File([bytes], n + '.jpg', { type: 'image/jpeg' }));
        }
        document.dispatchEvent(new DragEvent('drop', { dataTransfer: data }));
      }`);
      await tab.waitForSelector('text=/^29 photos answered, 1 failed in /');
      assert.equal(await tab.textContent('.card[data-state=failed] .file'), '4.jpg');
    });
  });

  it('takes a folder with the folders in it, and leaves out what is no photo', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'elastic-face-drop-'));
    const names = numbered(120);
    await mkdir(join(folder, 'holiday', 'beach'), { recursive: true });
    for (const name of names) await writeFile(join(folder, 'holiday', name), page.photo.buffer);
    await writeFile(join(folder, 'holiday', 'beach', 'last.jpg'), page.photo.buffer);
    await writeFile(join(folder, 'holiday', 'notes.txt'), 'no photo');
    await writeFile(join(folder, 'holiday', '._0001.jpg'), 'a shadow of macOS');
    try {
      await page.withPage(await startPage(), async ({ tab }) => {
        const debug = await tab.context().newCDPSession(tab);
        const data = { items: [], files: [join(folder, 'holiday')], dragOperationsMask: 1 };
        // The mouse moves on to another element as it lets go.
        for (const [type, x] of [
          ['dragEnter', 300],
          ['dragOver', 300],
          ['drop', 20],
        ] as const) {
          await debug.send('Input.dispatchDragEvent', { type, x, y: 200, data });
        }
        await tab.waitForSelector('text=/^121 photos answered in /');
        assert.equal(await tab.textContent('#intake-note'), '2 other files left out.');
      });
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it(`does not freeze on ${MANY} photos, and holds only the pictures in view`, async (t) => {
    const double: PageDouble = await startPage();
    await page.withPage(double, async ({ tab }) => {
      await tab.evaluate(`{
        globalThis.held = new Set();
        const { createObjectURL, revokeObjectURL } = URL;
        URL.createObjectURL = (file) => {
          const url = createObjectURL.call(URL, file);
          held.add(url);
          return url;
        };
        URL.revokeObjectURL = (url) => {
          held.delete(url);
          revokeObjectURL.call(URL, url);
        };
        globalThis.longest = 0;
        new PerformanceObserver((list) => {
          for (const { duration } of list.getEntries()) longest = Math.max(longest, duration);
        }).observe({ type: 'longtask' });
      }`);
      await drop(tab, page.photo.buffer, numbered(MANY));
      await tab.waitForSelector(`text=/^${MANY} photos answered in /`, { timeout: 60_000 });
      assert.equal(await tab.locator('.card[data-state=answered]').count(), MANY);
      const few = () => tab.evaluate<boolean>('held.size > 0 && held.size < 40');
      await until('few pictures held', few);
      await tab.evaluate('document.getElementById("cards").scrollTop = 1e6');
      await tab.waitForSelector('.card:last-child img[src]');
      await until('few pictures held at the end', few);
      await tab.click('#progress-clear');
      await until('none held', () => tab.evaluate('held.size === 0'));
      const longest = await tab.evaluate<number>('longest');
      t.diagnostic(`${Math.round(longest)} ms is the longest task`);
      assert.ok(longest < 1500, `a task of ${Math.round(longest)} ms`);
    });
  });
});
