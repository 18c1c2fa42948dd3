import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import { until } from '../../test/condition.fixture.ts';
import { workFace } from '../people/people.fixture.ts';
import { MATCH, skip } from './page.fixture.ts';
import { usePeople } from './people-page.fixture.ts';
import { CLEAN } from './tab.fixture.ts';

const { quality } = workFace(0);
const FACE = {
  ...MATCH,
  known: true,
  odds: 20_480,
  ...(quality && { quality: { ...quality, reasons: ['The face is small.'] } }),
};

describe('correcting an answer on the page', { skip }, () => {
  const people = usePeople();
  const { box } = MATCH;
  const found = (more: Parameters<typeof workFace>[1] = {}) => ({
    photos: [{ width: 240, height: 240, faces: [workFace(3, { box, ...more })] }],
  });
  beforeEach(() => {
    people.stage.recognise(FACE);
    people.stage.answer(() => found());
  });
  const answered = (work: (tab: Page) => Promise<void>): Promise<void> =>
    people.open(
      async ({ tab, sins }) => {
        await tab.setInputFiles('#files', people.photo);
        await tab.waitForSelector('.card[data-open]');
        await tab.click('.correct summary');
        await work(tab);
        assert.deepEqual(sins.hosts, CLEAN.hosts);
      },
      {},
      '',
    );
  const title = (tab: Page, wanted: string): Promise<unknown> =>
    until(`the title ${wanted}`, async () => (await tab.textContent('.card h3')) === wanted);

  it('says in words how sure the answer is, and what is wrong with the face', () =>
    answered(async (tab) => {
      const words = await tab.textContent('.sureness');
      assert.equal(words, '1 in 20,000 strangers is as near. The face is small.');
    }));

  it('suggests the names of the gallery, and adds the face to the one that is chosen', async () => {
    await people.stage.enrol('Grace Hopper');
    await answered(async (tab) => {
      await tab.fill('.correct input', 'hop');
      await tab.waitForSelector('.correct option[value="Grace Hopper"]', { state: 'attached' });
      await tab.fill('.correct input', 'Grace Hopper');
      await tab.keyboard.press('Enter');
      await title(tab, 'Grace Hopper');
      const focused = await tab.evaluate<string>('document.activeElement.textContent');
      assert.match(focused, /Wrong\? This is … \(Grace Hopper\)/);
      const [grace] = (await people.stage.json('GET', 'v1/people?q=hopper')).body.people;
      assert.equal(grace.faces, 2);
    });
  });

  it('offers to add a person whose name is new', () =>
    answered(async (tab) => {
      await tab.fill('.correct input', 'Hedy Lamarr');
      await tab.keyboard.press('Enter');
      await tab.waitForSelector('text=There is nobody called Hedy Lamarr');
      await tab.click('text=Add Hedy Lamarr');
      await title(tab, 'Hedy Lamarr');
    }));

  it('corrects one face of a group, whose answer is too long to be stored', async () => {
    await people.stage.enrol('Annie Easley');
    const boxes = [0, 1, 2, 3, 4, 5].map(
      (at) => [40 * at, 20, 40 * at + 39, 120] as typeof MATCH.box,
    );
    const faces = boxes.map((box) => ({ ...FACE, box }));
    people.stage.recognise({ ...FACE, box: boxes[0] ?? MATCH.box, faces });
    people.stage.answer(() => ({
      photos: [{ width: 240, height: 240, faces: boxes.map((box, at) => workFace(at, { box })) }],
    }));
    await answered(async (tab) => {
      await tab.locator('.face').nth(1).locator('summary').click();
      await tab.locator('.face').nth(1).locator('.correct input').fill('Annie Easley');
      await tab.keyboard.press('Enter');
      await title(tab, 'Ada and Annie Easley');
      const names = await tab.locator('.face-name span').allTextContents();
      assert.deepEqual(names.slice(0, 3), ['Ada', 'Annie Easley', 'Ada']);
      await tab.locator('.face').nth(1).locator('summary').click();
      await tab.locator('.face').nth(1).getByRole('button', { name: 'Nobody we know' }).click();
      await title(tab, 'Ada and 1 unknown');
      const [annie] = (await people.stage.json('GET', 'v1/people?q=annie')).body.people;
      assert.equal(annie.faces, 1);
    });
  });

  it('calls a face unknown that is nobody of the gallery', () =>
    answered(async (tab) => {
      await tab.click('text=Nobody we know');
      await title(tab, 'Unknown');
      assert.equal(await tab.textContent('#announce'), 'Corrected: this is nobody of the gallery.');
    }));

  it('shows why the face is not good enough, and doubts that can be undone', async () => {
    const { person } = JSON.parse((await people.stage.enrol('Ruth')).text);
    const near = { person: person.id, name: 'Ruth', distance: 0.5, known: true };
    const low = quality && { ...quality, reasons: ['The face is dark.'] };
    people.stage.answer(() => found({ nearest: [near], ...(low && { quality: low }) }));
    await answered(async (tab) => {
      await tab.fill('.correct input', 'Edith');
      await tab.keyboard.press('Enter');
      await tab.waitForSelector('.correct .trouble >> text=The face is dark.');
      await tab.click('text=Enrol anyway');
      await tab.click('text=Add Edith');
      await tab.waitForSelector('.doubts >> text=looks like Ruth');
      await tab.getByRole('button', { name: 'Undo' }).click();
      await tab.waitForSelector('text=Undone: nothing was changed.');
      assert.equal((await people.stage.json('GET', 'v1/people?q=edith')).body.total, 0);
    });
  });
});
