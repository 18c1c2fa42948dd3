/** A tab with the page in it, for one test; and what tests ask of one. */
import { after, before } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { until } from '../../test/condition.fixture.ts';
import { openChromium, openTab, type PageDouble, samplePhoto } from './page.fixture.ts';

export const CLEAN = { console: [], hosts: [] };

export interface Photo {
  readonly name: string;
  readonly mimeType: string;
  readonly buffer: Buffer;
}

/** One browser for the tests of a describe. */
export function useBrowser() {
  let browser: Browser;
  let photo: Photo;
  before(async () => {
    browser = await openChromium();
    photo = { name: 'ada.jpg', mimeType: 'image/jpeg', buffer: await samplePhoto() };
  });
  after(() => browser?.close());
  return {
    get photo() {
      return photo;
    },
    /** Ends what it opened, whatever the test does. */
    async withPage(
      double: Pick<PageDouble, 'url' | 'stop'>,
      work: (opened: Awaited<ReturnType<typeof openTab>>) => Promise<void>,
      options: Parameters<typeof openTab>[2] = {},
    ): Promise<void> {
      const opened = await openTab(browser, double.url, options);
      try {
        await work(opened);
      } finally {
        await opened.close();
        await double.stop();
      }
    },
  };
}

export const counts = (tab: Page, selector: string, number: number) =>
  until(`${number} of ${selector}`, async () => (await tab.locator(selector).count()) === number);

export const link = (tab: Page, state: string): Promise<unknown> =>
  tab.waitForSelector(`#link[data-link=${state}]`);
