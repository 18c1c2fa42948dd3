/**
 * The page in a real Chromium on the whole system. PICTURES names a folder for pictures of it, e.g.
 * `PICTURES=docs/pictures node --test test/page.test.ts`.
 */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import sharp from 'sharp';
import { openChromium, openTab, skip } from '../web/page/page.fixture.ts';
import { until } from './condition.fixture.ts';
import { modelDirectory } from './model.fixture.ts';
import { knownPhotos } from './photos.fixture.ts';
import { type StartedSystem, startSystem } from './start.fixture.ts';

const { PICTURES } = process.env;
const WAIT_MS = 120_000;
const DESKTOP = { width: 1280, height: 1000 };
const SHOWN = ['test_000.jpg', 'test_002.jpg', 'test_005.jpg'];

describe('the page on the whole system', { skip, timeout: 600_000 }, () => {
  let folder: string;
  let images: string;
  let expected: ReadonlyMap<string, string>;
  let system: StartedSystem;
  let browser: Browser;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'elastic-face-page-'));
    ({ images, expected } = await knownPhotos());
    system = await startSystem({
      PROJECT_ID: 'page-test',
      LOCAL_DATA_DIR: folder,
      MODEL_DIR: await modelDirectory(),
      SAMPLES_DIR: images,
      MAX_INSTANCES: '4',
      IDLE_SECONDS: '3',
      REDIS_URL: '',
      AWS_ENDPOINT_URL: '',
    });
    browser = await openChromium();
  });
  after(async () => {
    await browser?.close();
    await system?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it('names the people of photos, and shows the fleet come and go under a burst', async (t) => {
    const { tab, sins } = await openTab(browser, system.url, { viewport: DESKTOP });
    tab.setDefaultTimeout(WAIT_MS);
    await tab.waitForSelector('#link[data-link=live]');
    await tab.waitForSelector('text=No instances');
    await tab.setInputFiles(
      '#files',
      SHOWN.map((name) => join(images, name)),
    );
    await tab
      .locator('.card[data-state=answered]')
      .nth(SHOWN.length - 1)
      .waitFor();
    for (const name of SHOWN) {
      const card = tab.locator(`.card:has(.file[title="${name}"])`);
      const person = expected.get(name.slice(0, -4));
      assert.equal(await card.locator('.nearest span').first().textContent(), person);
      // The course's gallery is small and hard: a few of its people are too far from their own entry.
      assert.match(String(await card.locator('h3').textContent()), RegExp(`^(${person}|Unknown)$`));
      assert.ok((await card.locator('.timing dt').count()) > 5, 'the times of its stages');
      assert.match(String(await card.locator('.file').textContent()), /by instance \d/);
    }
    await tab.waitForSelector('.figures div:has(dt:text-is("oldest")) dd:text-is("–")');
    await picture(tab, 'page-light');
    await tab.check('.burst input[value="100"]');
    await tab.click('#burst-send');
    await tab.waitForSelector('.tiles [data-state=busy]');
    await tab.locator('.cells [data-state=answered]').nth(60).waitFor();
    await picture(tab, 'page-burst');
    await paint(system.url, (words) => t.diagnostic(words));
    await tab.waitForSelector('text=/^100 of 100 answered in /');
    await other('page-dark', { viewport: DESKTOP, colorScheme: 'dark' });
    await other('page-phone', { viewport: { width: 360, height: 780 } });
    await tab.waitForSelector('text=No instances');
    assert.deepEqual(sins, { console: [], hosts: [] });
  });

  /** A newcomer's first paint while the burst is in work. */
  async function paint(url: string, say: (words: string) => void): Promise<void> {
    const { tab, close } = await openTab(browser, url);
    const ms = await until('the first paint', async () => {
      const first = `performance.getEntriesByName('first-contentful-paint')[0]?.startTime`;
      return (await tab.evaluate<number | undefined>(first)) ?? false;
    });
    say(`first contentful paint after ${Math.round(ms)} ms, under load`);
    await close();
  }

  async function other(name: string, options: Parameters<typeof openTab>[2]): Promise<void> {
    if (PICTURES === undefined) return;
    const { tab, close } = await openTab(browser, system.url, options);
    tab.setDefaultTimeout(WAIT_MS);
    await tab.waitForSelector('#link[data-link=live]');
    for (const file of SHOWN.slice(0, 2)) {
      await tab.setInputFiles('#files', join(images, file));
      await tab.locator(`.card[data-state=answered] .file[title="${file}"]`).waitFor();
    }
    await picture(tab, name);
    await close();
  }
});

/** Few colours: a picture for a document should not weigh more than its text. */
async function picture(tab: Page, name: string): Promise<void> {
  if (PICTURES === undefined) return;
  await mkdir(PICTURES, { recursive: true });
  // The photos are other people's: what is kept shows that there is a face, not whose.
  await tab.evaluate("document.styleSheets[0].insertRule('.picture img { filter: blur(7px); }')");
  const shot = await tab.screenshot({ animations: 'disabled' });
  const small = await sharp(shot).png({ palette: true, colours: 128, effort: 10 }).toBuffer();
  await writeFile(join(PICTURES, `${name}.png`), small);
}
