/** The People view in a real Chromium, on a real web node whose worker is played by the test. */
import { after, before, beforeEach } from 'node:test';
import type { Page } from 'playwright-core';
import { openPeopleFixture, type PeopleFixture } from '../people/people.fixture.ts';
import type { openTab } from './page.fixture.ts';
import { useBrowser } from './tab.fixture.ts';

/** One web node and one browser for the tests of a describe. */
export function usePeople(overrides: Record<string, unknown> = {}) {
  const page = useBrowser();
  let stage: PeopleFixture;
  before(async () => {
    stage = await openPeopleFixture(overrides);
  });
  after(() => stage?.close());
  beforeEach(() => stage.answer(() => ({})));
  return {
    get photo() {
      return page.photo;
    },
    get stage() {
      return stage;
    },
    /** @param at what follows the address of the node, or a whole address */
    open(
      work: (opened: Awaited<ReturnType<typeof openTab>>) => Promise<void>,
      options: Parameters<typeof openTab>[2] = {},
      at = '#people',
    ): Promise<void> {
      const url = URL.canParse(at) ? at : stage.url(at);
      return page.withPage({ url, stop: async () => {} }, work, options);
    },
  };
}

/** Presses an entry of a person's menu. */
export async function choose(tab: Page, person: string, entry: string): Promise<void> {
  await tab.getByRole('button', { name: `Actions for ${person}`, exact: true }).click();
  await tab.getByRole('menuitem', { name: entry }).click();
}

export const names = (tab: Page): Promise<string[]> => tab.locator('.person h3').allTextContents();
