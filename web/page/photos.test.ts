import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { until } from '../../test/condition.fixture.ts';
import { httpError } from '../errors.ts';
import { MATCH, skip, startPage } from './page.fixture.ts';
import { CLEAN, counts, link, useBrowser } from './tab.fixture.ts';

describe('photos on the page', { skip }, () => {
  const page = useBrowser();

  it('makes a card of each photo, with its face drawn over it, and says who it is', async () => {
    await page.withPage(await startPage(), async ({ tab, sins }) => {
      await tab.setInputFiles('#files', [page.photo, { ...page.photo, name: 'other.jpg' }]);
      await counts(tab, '.card[data-open]', 2);
      const card = tab.locator('.card').first();
      assert.equal(await card.locator('h3').textContent(), 'Ada');
      assert.equal(await card.locator('.label').textContent(), 'Ada');
      assert.equal(await card.locator('.overlay').getAttribute('viewBox'), '0 0 240 240');
      const people = await card.locator('.nearest li').allTextContents();
      assert.deepEqual(people, ['Ada0.420', 'Grace1.010', 'Alan1.200']);
      const bars = await tab.evaluate<number[]>(
        `[...document.querySelectorAll('.card .nearness i')].slice(0, 3).map((bar) => bar.clientWidth)`,
      );
      assert.ok(
        bars[0]! > bars[1]! && bars[1]! > bars[2]!,
        'the nearest person has the longest bar',
      );
      assert.match(String(await tab.textContent('#announce')), /: Ada$/);
      assert.deepEqual(sins, CLEAN);
    });
  });

  it('takes photos that are pasted or dropped', async () => {
    await page.withPage(await startPage(), async ({ tab, sins }) => {
      await link(tab, 'live');
      const bytes = [...page.photo.buffer].join(',');
      const given = (name: string) =>
        `const data = new DataTransfer();
         data.items.add(new File([new Uint8Array([${bytes}])], '${name}', { type: 'image/jpeg' }));`;
      await tab.evaluate(
        `{ ${given('dropped.jpg')}
         document.dispatchEvent(new DragEvent('drop', { dataTransfer: data })); }
         { ${given('pasted.jpg')}
         document.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data })); }`,
      );
      for (const name of ['dropped.jpg', 'pasted.jpg']) {
        await tab.waitForSelector(`.card[data-state=answered] .file[title="${name}"]`);
      }
      assert.deepEqual(sins, CLEAN);
    });
  });

  it('heads a face that is not known "Unknown", with the nearest people below', async () => {
    const recognise = async ({ file }: { file: string }) => ({
      ...MATCH,
      known: file === 'ada.jpg',
    });
    await page.withPage(await startPage(recognise), async ({ tab }) => {
      await tab.setInputFiles('#files', [page.photo, { ...page.photo, name: 'stranger.jpg' }]);
      await counts(tab, '.card[data-open]', 2);
      const stranger = tab.locator('.card:has(.file[title="stranger.jpg"])');
      assert.equal(await stranger.locator('h3').textContent(), 'Unknown');
      assert.equal(await stranger.locator('.label').textContent(), 'Unknown');
      assert.match(String(await stranger.locator('.nearest').textContent()), /^Ada0\.420Grace/);
      const known = tab.locator('.card:has(.file[title="ada.jpg"])');
      assert.equal(await known.locator('h3').textContent(), 'Ada');
    });
  });

  it('says in words what is wrong with a photo', async () => {
    await page.withPage(await startPage(), async ({ tab, sins }) => {
      await tab.setInputFiles('#files', { ...page.photo, buffer: Buffer.from('hello') });
      const card = tab.locator('.card[data-state=failed]');
      assert.equal(await card.locator('h3').textContent(), 'Not a photo');
      assert.match(String(await card.locator('.problem').textContent()), /a text, not a photo/);
      await tab.waitForSelector('.card >> text=No preview');
      assert.equal(await card.locator('.retry').count(), 0);
      assert.deepEqual(sins, CLEAN);
    });
  });

  it('sends what the file is called, without the few characters that the server refuses', async () => {
    const names = ["Ada's photo, no. 1 & [2].jpg", '写真\u202f#1.jpg', '10:30:05.jpg', '.jpg'];
    const received: string[] = [];
    const recognise = async ({ file }: { file: string }) => {
      received.push(file);
      return MATCH;
    };
    await page.withPage(await startPage(recognise), async ({ tab }) => {
      const files = names.map((name) => ({ ...page.photo, name }));
      await tab.setInputFiles('#files', files);
      await counts(tab, '.card[data-state=answered]', names.length);
      const sent = [names[0], names[1], '10-30-05.jpg', 'photo.jpg'];
      assert.deepEqual(received.sort(), sent.sort());
      const lines = await tab.locator('.file').allTextContents();
      assert.match(String(lines[2]), /^10:30:05\.jpg · sent as 10-30-05\.jpg · /);
    });
  });

  it("shows the server's sentence about HEIC, and how an iPhone sends JPEG", async () => {
    await page.withPage(await startPage(), async ({ tab }) => {
      const detail = 'HEIC is not read here.';
      const problem = { type: '/problems/heic', title: 'HEIC', status: 415, detail };
      await tab.route('**/v1/recognitions?*', (route) =>
        route.fulfill({ json: { photos: [{ status: 'failed', problem }] } }),
      );
      await tab.setInputFiles('#files', { ...page.photo, name: 'IMG_1.HEIC' });
      const words = String(await tab.textContent('.card .problem'));
      assert.match(words, /^HEIC is not read here\. On an iPhone, "Choose photos" converts it/);
      // iOS converts HEIC to JPEG where the list of types does not hold it.
      assert.doesNotMatch(String(await tab.getAttribute('#files', 'accept')), /hei[cf]|image\/\*/);
    });
  });

  it('reads problem details', async () => {
    await page.withPage(await startPage(), async ({ tab }) => {
      await tab.route('**/v1/recognitions?*', (route) =>
        route.fulfill({
          status: 422,
          contentType: 'application/problem+json',
          body: JSON.stringify({ title: 'No face', status: 422, detail: 'No face was found.' }),
        }),
      );
      await tab.setInputFiles('#files', page.photo);
      assert.equal(await tab.textContent('.card[data-state=failed] h3'), 'No face');
      assert.equal(await tab.textContent('.card .problem'), 'No face was found.');
    });
  });

  it('offers to send a photo again when that may help', async () => {
    let times = 0;
    const recognise = async () => {
      times += 1;
      if (times === 1) throw httpError.busy();
      return MATCH;
    };
    await page.withPage(await startPage(recognise), async ({ tab }) => {
      await tab.setInputFiles('#files', page.photo);
      await tab.click('.card .retry');
      await tab.waitForSelector('.card[data-state=answered]');
      assert.equal(times, 2);
    });
  });

  it('takes a photo with the camera', async () => {
    const double = await startPage();
    const options = { permissions: ['camera'] };
    await page.withPage(
      double,
      async ({ tab, sins }) => {
        await tab.click('#camera-open');
        await tab.waitForSelector('#shutter:enabled');
        await tab.press('#shutter', 'Enter');
        await tab.waitForSelector('.card[data-state=answered]');
        assert.match(String(await tab.textContent('.card .file')), /^camera-/);
        assert.equal(
          await tab.evaluate('document.getElementById("camera-video").srcObject'),
          null,
          'the camera is let go',
        );
        assert.deepEqual(sins, CLEAN);
      },
      options,
    );
  });

  it('opens the camera once, however often it is asked for while the browser asks', async () => {
    const options = { permissions: ['camera'] };
    await page.withPage(
      await startPage(),
      async ({ tab }) => {
        await tab.evaluate(`{
          const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
          globalThis.opened = [];
          globalThis.permission = Promise.withResolvers();
          navigator.mediaDevices.getUserMedia = async (wish) => {
            const at = opened.push(undefined) - 1;
            await permission.promise;
            return (opened[at] = await real(wish));
          };
        }`);
        await tab.click('#camera-open');
        await tab.press('#camera', 'Escape');
        await tab.click('#camera-open');
        await tab.evaluate('permission.resolve()');
        await tab.waitForSelector('#shutter:enabled');
        await until('all that was asked for', () => tab.evaluate('opened.every(Boolean)'));
        await tab.click('#camera-close');
        const live = '(stream) => stream.getTracks().some((track) => track.readyState === "live")';
        // A dialog tells of its end in a task of its own.
        await until('all are let go', () => tab.evaluate(`!opened.some(${live})`));
        assert.equal(await tab.evaluate('opened.length'), 1);
      },
      options,
    );
  });

  it('says what to do when the camera is refused', async () => {
    await page.withPage(await startPage(), async ({ tab }) => {
      await tab.click('#camera-open');
      await tab.waitForSelector('text=Camera access was denied');
      await tab.press('#camera', 'Escape');
      await tab.waitForSelector('#camera', { state: 'hidden' });
    });
  });
});
