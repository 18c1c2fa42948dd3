import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import { until } from '../../test/condition.fixture.ts';
import { keyHash } from '../keys.ts';
import { skip } from './page.fixture.ts';
import { behindPath } from './path.fixture.ts';
import { choose, names, usePeople } from './people-page.fixture.ts';
import { CLEAN, counts } from './tab.fixture.ts';

const KEY = 'k'.repeat(32);
const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true };

describe('the People view for everybody', { skip }, () => {
  const people = usePeople();
  const press = async (tab: Page, ...keys: string[]): Promise<void> => {
    for (const key of keys) await tab.keyboard.press(key);
  };
  const focused = (tab: Page, words: string): Promise<unknown> =>
    until(`the focus on ${words}`, async () => {
      const found = await tab.evaluate<string>(
        '(document.activeElement.getAttribute("aria-label") ?? document.activeElement.textContent)',
      );
      return found === words;
    });

  it('adds, edits, merges and forgets by keyboard alone', () =>
    people.open(
      async ({ tab, sins }) => {
        await press(tab, 'Tab', 'ArrowRight');
        await tab.waitForSelector('text=0 people');
        for (const name of ['Ada', 'Grace']) {
          await tab.focus('#enrol-name');
          await tab.keyboard.type(name);
          const chooser = tab.waitForEvent('filechooser');
          await tab.focus('#enrol-pick');
          await press(tab, 'Enter');
          await (await chooser).setFiles(people.photo);
          await focused(tab, 'Add the person');
          await press(tab, 'Enter');
          await tab.waitForSelector(`.person >> text=${name}`);
        }
        await tab.focus('[aria-label="Actions for Ada"]');
        await press(tab, 'ArrowDown');
        await focused(tab, 'Edit');
        await press(tab, 'Enter');
        await tab.waitForSelector('dialog[open]');
        await press(tab, 'Control+a');
        await tab.keyboard.type('Ada King');
        await press(tab, 'Enter');
        await tab.waitForSelector('.person >> text=Ada King');
        await focused(tab, 'Actions for Ada King');

        await press(tab, 'Enter', 'ArrowDown', 'ArrowDown');
        await focused(tab, 'Merge into…');
        await press(tab, 'Enter');
        await tab.waitForSelector('dialog[open]');
        await tab.keyboard.type('Grace');
        await press(tab, 'Enter');
        await tab.waitForSelector('text=Merge Ada King into Grace?');
        await press(tab, 'Enter');
        await until('one person', async () => (await names(tab)).join() === 'Grace');
        assert.equal(await tab.textContent('#announce'), 'Ada King was merged into Grace.');

        await tab.focus('[aria-label="Actions for Grace"]');
        await press(tab, 'ArrowUp');
        await focused(tab, 'Forget…');
        await press(tab, 'Escape');
        await focused(tab, 'Actions for Grace');
        await press(tab, 'ArrowUp', 'Enter');
        await tab.waitForSelector('dialog[open]');
        await press(tab, 'Tab');
        await focused(tab, 'Forget Grace');
        await press(tab, 'Enter');
        await tab.waitForSelector('text=Grace is forgotten');
        await press(tab, 'Escape');
        await tab.waitForSelector('text=0 people');
        assert.equal(await tab.evaluate('document.activeElement.id'), 'people-search');
        assert.deepEqual(sins, CLEAN);
      },
      {},
      '',
    ));

  it('fits a phone of 390 pixels, with its menus and dialogs', async () => {
    await people.stage.enrol(`A ${'long'.repeat(40)} name`);
    await people.stage.enrol('Small');
    await people.open(async ({ tab }) => {
      await counts(tab, '.person', 2);
      const width = () => tab.evaluate('document.documentElement.scrollWidth');
      assert.equal(await width(), 390);
      await tab.click('[aria-label="Actions for Small"]');
      assert.equal(await width(), 390);
      const box = await tab.locator('.menu:visible').boundingBox();
      assert.ok(box && box.x >= 0 && box.x + box.width <= 390, JSON.stringify(box));
      await tab.getByRole('menuitem', { name: 'Edit' }).click();
      await tab.click('text=Add data');
      const dialog = await tab.locator('dialog[open]').boundingBox();
      assert.ok(dialog && dialog.x >= 0 && dialog.x + dialog.width <= 390);
      await tab.keyboard.press('Escape');
      await tab.click('text=Earlier versions');
      assert.equal(await width(), 390);
    }, PHONE);
  });

  for (const colorScheme of ['light', 'dark'] as const) {
    it(`has no serious accessibility finding, in ${colorScheme}`, async () => {
      await people.stage.enrol(`In ${colorScheme}`);
      await people.open(
        async ({ tab }) => {
          await tab.waitForSelector(`.person >> text=In ${colorScheme}`);
          await tab.click('text=Earlier versions');
          await tab.click('#enrol-send'); // Without a name the browser says what is missing.
          await tab.addScriptTag({ path: createRequire(import.meta.url).resolve('axe-core') });
          await requireNoFinding(tab);
          await tab.click(`[aria-label="Actions for In ${colorScheme}"]`);
          await requireNoFinding(tab);
          await tab.getByRole('menuitem', { name: 'Forget' }).click();
          await requireNoFinding(tab);
          await tab.keyboard.press('Escape');
          await choose(tab, `In ${colorScheme}`, 'Edit');
          await tab.click('text=Add data');
          await requireNoFinding(tab);
          await tab.keyboard.press('Escape');
          await choose(tab, `In ${colorScheme}`, 'Merge');
          await requireNoFinding(tab);
        },
        { colorScheme, bypassCSP: true, reducedMotion: 'reduce' },
      );
    });
  }

  it('works under a path of a proxy', async () => {
    const proxy = await behindPath(people.stage.url(''));
    try {
      await people.open(
        async ({ tab, sins }) => {
          await tab.waitForSelector('.person');
          await tab.fill('#enrol-name', 'Proxied');
          await tab.setInputFiles('#enrol-files', people.photo);
          await tab.click('#enrol-send');
          await tab.waitForSelector('.person >> text=Proxied');
          assert.deepEqual(sins, CLEAN);
        },
        {},
        `${proxy.url}#people`,
      );
    } finally {
      await proxy.stop();
    }
  });
});

describe('the People view of a server that needs a key', { skip }, () => {
  const people = usePeople({ API_KEYS: `reader:${keyHash(KEY)}` });

  it('asks for the key, and shows the people with it', () =>
    people.open(async ({ tab }) => {
      await tab.waitForSelector('#key:visible');
      await tab.fill('#key-field', KEY);
      await tab.keyboard.press('Enter');
      await tab.waitForSelector('text=0 people');
      await tab.fill('#enrol-name', 'Locked');
      await tab.setInputFiles('#enrol-files', people.photo);
      await tab.click('#enrol-send');
      await tab.waitForSelector('.person >> text=Locked');
    }));
});

async function requireNoFinding(tab: Page): Promise<void> {
  const { violations } = (await tab.evaluate('axe.run()')) as {
    violations: { id: string; impact: string; nodes: { html: string }[] }[];
  };
  const bad = violations.filter(({ impact }) => /serious|critical/.test(impact));
  assert.deepEqual(
    bad.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]),
    [],
  );
}
