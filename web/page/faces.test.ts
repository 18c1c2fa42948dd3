import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import type { Face, Match } from '../../cloud/contract/match.ts';
import { until } from '../../test/condition.fixture.ts';
import { MATCH, skip, startPage } from './page.fixture.ts';
import { useBrowser } from './tab.fixture.ts';

const face = (name: string, box: Face['box'], known: boolean): Face => {
  const { distance, probability, landmarks } = MATCH;
  const nearest = [
    { name, distance },
    { name: 'Alan', distance: 1.2 },
  ];
  return { name, distance, probability, landmarks, nearest, box, known };
};
/** The first face is cut by two edges of the photo. */
const FACES = [
  face('Ada', [-40, -20, 90, 110], true),
  face('Grace', [120, 30, 180, 100], false),
  face('Edsger', [150, 120, 230, 230], true),
];
const GROUP: Match = { ...MATCH, ...(FACES[0] as Face), faces: FACES };

describe('a group photo on the page', { skip }, () => {
  const page = useBrowser();
  const opened = async (work: (tab: Page) => Promise<void>, options = {}): Promise<void> => {
    const recognise = async () => GROUP;
    await page.withPage(
      await startPage(recognise),
      async ({ tab }) => {
        await tab.setInputFiles('#files', page.photo);
        await tab.waitForSelector('.card[data-open]');
        await work(tab);
      },
      options,
    );
  };

  it('has every face drawn with its label, and listed with its nearest people', () =>
    opened(async (tab) => {
      assert.equal(await tab.textContent('.card h3'), 'Ada, Edsger and 1 unknown');
      assert.equal(await tab.locator('.overlay g').count(), 3);
      const labels = await tab.locator('.label').allTextContents();
      assert.deepEqual(labels, ['1Ada', '2Unknown', '3Edsger']);
      const names = await tab.locator('.face-name span').allTextContents();
      assert.deepEqual(names, ['Ada', 'Unknown', 'Edsger']);
      const second = tab.locator('.face').nth(1).locator('.nearest');
      assert.equal(await second.textContent(), 'Grace0.420Alan1.200');
    }));

  it('says when the photo was turned to find its faces', async () => {
    const recognise = async (): Promise<Match> => Object.assign({ turned: 90 }, GROUP);
    await page.withPage(await startPage(recognise), async ({ tab }) => {
      await tab.setInputFiles('#files', page.photo);
      const words = await tab.textContent('.card .note');
      assert.match(String(words), /^The photo is not upright: it was turned by 90° clockwise/);
    });
  });

  it('keeps boxes and labels inside the picture', () =>
    opened(
      async (tab) => {
        const outside = await tab.evaluate<string[]>(`{
          const view = document.querySelector('.view').getBoundingClientRect();
          [...document.querySelectorAll('.overlay .box, .label span')].filter((part) => {
            const box = part.getBoundingClientRect();
            return box.left < view.left - 2 || box.right > view.right + 2 ||
              box.top < view.top - 2 || box.bottom > view.bottom + 2;
          }).map((part) => part.outerHTML);
        }`);
        assert.deepEqual(outside, []);
      },
      { viewport: { width: 360, height: 780 } },
    ));

  it('shows which box a face of the list has, by pointer, by keyboard and pinned', () =>
    opened(async (tab) => {
      const marked = (expected: string) =>
        until(`${expected || 'none'} marked`, async () => {
          const labels = tab.locator('.label[data-marked=true]');
          return (await labels.allTextContents()).join() === expected;
        });
      await tab.hover('.face >> nth=1');
      await marked('2Unknown');
      await tab.hover('h1');
      await marked('');
      await tab.focus('.face-name >> nth=2');
      await marked('3Edsger');
      await tab.keyboard.press('Enter');
      await tab.focus('#pick');
      await marked('3Edsger');
      assert.equal(await tab.getAttribute('.face-name >> nth=2', 'aria-pressed'), 'true');
    }));
});
