import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { until } from '../../test/condition.fixture.ts';
import { workFace } from '../people/people.fixture.ts';
import { skip } from './page.fixture.ts';
import { choose, names, usePeople } from './people-page.fixture.ts';
import { CLEAN, counts } from './tab.fixture.ts';

describe('the people of the gallery on the page', { skip }, () => {
  const people = usePeople();
  const faulty = (reason: string) => {
    const { quality } = workFace(0);
    return workFace(0, quality && { quality: { ...quality, reasons: [reason] } });
  };
  const seen = (...faces: ReturnType<typeof workFace>[]) => ({
    photos: faces.map((face) => ({ width: 48, height: 48, faces: [face] })),
  });

  it('adds a person from chosen photos, and lists the name, faces and expiry', () =>
    people.open(async ({ tab, sins }) => {
      await tab.waitForSelector('text=0 people');
      await tab.fill('#enrol-name', 'Ada Lovelace');
      await tab.fill('#enrol-consent', 'on paper');
      await tab.fill('.enrol input[type=date]', '2999-12-31');
      await tab.setInputFiles('#enrol-files', people.photo);
      await tab.click('#enrol-send');
      const card = tab.locator('.person', { hasText: 'Ada Lovelace' });
      await card.waitFor();
      assert.match(String(await card.textContent()), /1 face.*forgotten after .*2999/);
      await tab.waitForSelector('text=/^Version \\d+: 1 person, 1 face$/');
      const stored = (await people.stage.json('GET', 'v1/people')).body.people[0];
      assert.equal(stored.consent, 'on paper');
      assert.deepEqual(sins, CLEAN);
    }));

  it('takes photos that are dropped, and of the camera', () =>
    people.open(async ({ tab }) => {
      await tab.context().grantPermissions(['camera']);
      await tab.evaluate(`
        const transfer = new DataTransfer();
        transfer.items.add(new File(['x'], 'dropped.jpg', { type: 'image/jpeg' }));
        document.dispatchEvent(new DragEvent('drop', { dataTransfer: transfer, cancelable: true }));
      `);
      await tab.waitForSelector('.enrol-photos li >> text=dropped.jpg');
      await tab.click('#enrol-camera');
      await tab.waitForSelector('#shutter:enabled');
      await tab.click('#shutter');
      await tab.waitForSelector('.enrol-photos li >> text=/^camera-/');
    }));

  it('shows doubts; undo forgets the person again, keep keeps it', async () => {
    const { person } = JSON.parse((await people.stage.enrol('Grace')).text);
    const near = { person: person.id, name: 'Grace', distance: 0.61, odds: 20_480, known: true };
    people.stage.answer(() => seen(workFace(0, { nearest: [near] })));
    await people.open(async ({ tab }) => {
      for (const [press, isKept] of [
        ['Undo', false],
        ['Keep Double', true],
      ] as const) {
        await tab.fill('#enrol-name', 'Double');
        await tab.setInputFiles('#enrol-files', people.photo);
        await tab.click('#enrol-send');
        const dialog = tab.getByRole('dialog', { name: 'Is this really Double?' });
        const words = await dialog.locator('.doubts').textContent();
        assert.match(String(words), /looks like Grace.*1 in 20,000 strangers is as near/);
        await dialog.getByRole('button', { name: press }).click();
        await dialog.waitFor({ state: 'detached' });
        await until(
          'the form to be empty',
          async () => (await tab.inputValue('#enrol-name')) === '',
        );
        await until('the list', async () => (await names(tab)).includes('Double') === isKept);
      }
    });
  });

  it('says why a photo is not good enough, and takes it all the same when asked', async () => {
    people.stage.answer(() => seen(faulty('The face is blurred.')));
    await people.open(async ({ tab }) => {
      await tab.fill('#enrol-name', 'Blurred');
      await tab.setInputFiles('#enrol-files', people.photo);
      await tab.click('#enrol-send');
      await tab.waitForSelector('.enrol .trouble >> text=The face is blurred.');
      await tab.click('text=Enrol anyway');
      await tab.waitForSelector('.person >> text=Blurred');
    });
  });

  it('adds photos to the person who has the name already', () =>
    people.open(async ({ tab }) => {
      const card = tab.locator('.person', { hasText: 'Ada Lovelace' });
      await tab.fill('#enrol-name', 'Ada Lovelace');
      await tab.setInputFiles('#enrol-files', people.photo);
      await tab.click('#enrol-send');
      await tab.click('text=Add the photos to Ada Lovelace');
      await card.locator('text=2 faces').waitFor();
      await choose(tab, 'Ada Lovelace', 'Add photos');
      await tab.setInputFiles('#enrol-files', people.photo);
      await tab.click('#enrol-send');
      await card.locator('text=3 faces').waitFor();
    }));

  it('finds people by a part of the name, and shows more of many', async () => {
    await Promise.all(Array.from({ length: 50 }, (_, n) => people.stage.enrol(`Many ${n}`)));
    await people.open(async ({ tab }) => {
      await counts(tab, '.person', 48);
      await tab.click('#people-more');
      await until('more people', async () => (await tab.locator('.person').count()) > 48);
      await tab.fill('#people-search', 'LOVE');
      await tab.waitForSelector('text=1 person found');
      assert.deepEqual(await names(tab), ['Ada Lovelace']);
    });
  });

  it('renames a person, and refuses a name that another one has', () =>
    people.open(async ({ tab }) => {
      await tab.fill('#people-search', 'love');
      await counts(tab, '.person', 1);
      await choose(tab, 'Ada Lovelace', 'Edit');
      const dialog = tab.getByRole('dialog', { name: 'Edit Ada Lovelace' });
      await dialog.getByLabel('Name').fill('Grace');
      await dialog.getByRole('button', { name: 'Save' }).click();
      await dialog.locator('text=Another person has this name').waitFor();
      await dialog.getByLabel('Name').fill('Ada King, once Lovelace');
      await dialog.getByRole('button', { name: 'Save' }).click();
      await tab.waitForSelector('.person >> text=Ada King, once Lovelace');
    }));

  it('shows other data of a person, and changes, adds and removes it', async () => {
    const metadata = JSON.stringify({ room: 12, team: 'Blue', old: true });
    await people.stage.enrol('Data Person', { metadata });
    const stored = async () => (await people.stage.json('GET', 'v1/people?q=data')).body.people[0];
    await people.open(async ({ tab, sins }) => {
      await tab.fill('#people-search', 'data person');
      await counts(tab, '.person', 1);
      await tab.waitForSelector('.person >> text=room: 12 · team: Blue · old: true');
      await choose(tab, 'Data Person', 'Edit');
      const dialog = tab.getByRole('dialog', { name: 'Edit Data Person' });
      const values = dialog.getByLabel('Value of the data');
      await values.nth(0).fill('13');
      await dialog.getByRole('button', { name: 'Remove this data' }).nth(2).click();
      await dialog.getByRole('button', { name: 'Add data' }).press('Enter');
      await tab.keyboard.type('note');
      await tab.keyboard.press('Tab');
      await tab.keyboard.type('1 < 2');
      await dialog.getByRole('button', { name: 'Save' }).click();
      await tab.waitForSelector('.person >> text=room: 13 · team: Blue · note: 1 < 2');
      assert.deepEqual((await stored()).metadata, { room: 13, team: 'Blue', note: '1 < 2' });
      await choose(tab, 'Data Person', 'Edit');
      await values.nth(2).fill('x'.repeat(1000));
      await dialog.getByRole('button', { name: 'Add data' }).click();
      await dialog.getByLabel('Name of the data').nth(3).fill('more');
      await dialog.getByRole('button', { name: 'Save' }).click();
      await dialog.locator('text=must be at most 1024 bytes').waitFor();
      for (let row = 4; row > 0; row--) {
        await dialog.getByRole('button', { name: 'Remove this data' }).first().click();
      }
      await dialog.getByRole('button', { name: 'Save' }).click();
      await until('no data', async () => (await stored()).metadata === undefined);
      await until('the card', async () => (await tab.locator('.person .data').count()) === 0);
      // The one refusal is said by the browser, too.
      assert.deepEqual([sins.console.length, sins.hosts], [1, []]);
    });
  });

  it('merges two people when one card is dragged on the other', async () => {
    await Promise.all(['Twin one', 'Twin two'].map((name) => people.stage.enrol(name)));
    await people.open(async ({ tab }) => {
      await tab.fill('#people-search', 'twin');
      await counts(tab, '.person', 2);
      const card = (name: string) => tab.locator('.person', { hasText: name });
      await card('Twin one').dragTo(card('Twin two'));
      await tab.getByRole('button', { name: 'Merge into Twin two' }).click();
      await card('Twin two').locator('text=2 faces').waitFor();
      assert.deepEqual(await names(tab), ['Twin two']);
    });
  });
});
