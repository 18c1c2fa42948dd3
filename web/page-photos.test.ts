import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { until } from '../test/condition.fixture.ts';
import { refuse } from './errors.ts';
import { MATCH, skip, startPage } from './page.fixture.ts';
import { CLEAN, counts, link, useBrowser } from './page-tab.fixture.ts';

/** A refusal is a failed request, which browsers tell their console. */
const saysStatus = (status: number) => [
  `Failed to load resource: the server responded with a status of ${status}`,
];
const starts = (lines: readonly string[], expected: readonly string[]): void => {
  assert.equal(lines.length, expected.length, lines.join('\n'));
  for (const [n, line] of lines.entries()) assert.ok(line.startsWith(String(expected[n])), line);
};

describe('photos on the page', { skip }, () => {
  const page = useBrowser();

  it('makes a card of each photo, with its face drawn over it, and says who it is', async () => {
    await page.withPage(await startPage(), async ({ tab, sins }) => {
      await tab.setInputFiles('#files', [page.photo, { ...page.photo, name: 'other.jpg' }]);
      await counts(tab, '.card[data-state=answered]', 2);
      const card = tab.locator('.card').first();
      assert.equal(await card.locator('h3').textContent(), 'Ada');
      assert.equal(await card.locator('.overlay').getAttribute('viewBox'), '0 0 240 240');
      const people = await card.locator('.nearest li').allTextContents();
      assert.deepEqual(people, ['Ada0.420', 'Grace1.010', 'Alan1.200']);
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

  it('says so when the nearest person is not near', async () => {
    const recognise = async ({ file }: { file: string }) => ({
      ...MATCH,
      known: file === 'ada.jpg',
    });
    await page.withPage(await startPage(recognise), async ({ tab }) => {
      await tab.setInputFiles('#files', [page.photo, { ...page.photo, name: 'stranger.jpg' }]);
      await counts(tab, '.card[data-state=answered]', 2);
      const doubted = tab.locator('.card:has-text("Nobody known is near")');
      assert.equal(await doubted.count(), 1);
      assert.match(String(await doubted.textContent()), /stranger\.jpg/);
    });
  });

  it('says in words what is wrong with a photo', async () => {
    await page.withPage(await startPage(), async ({ tab, sins }) => {
      await tab.setInputFiles('#files', { ...page.photo, buffer: Buffer.from('hello') });
      const words = await tab.textContent('.card[data-state=refused] .refused');
      assert.match(String(words), /not a photo this service reads/);
      await tab.waitForSelector('.card >> text=no picture');
      starts(sins.console, saysStatus(415));
    });
  });

  it('reads problem details', async () => {
    await page.withPage(await startPage(), async ({ tab }) => {
      await tab.route('**/', (route) =>
        route.fulfill({
          status: 422,
          contentType: 'application/problem+json',
          body: JSON.stringify({ title: 'No face', status: 422, detail: 'No face was found.' }),
        }),
      );
      await tab.setInputFiles('#files', page.photo);
      assert.match(String(await tab.textContent('.card .refused')), /No face was found\./);
    });
  });

  it('offers to send a photo again when that may help', async () => {
    let times = 0;
    const recognise = async () => {
      times += 1;
      if (times === 1) throw refuse.busy();
      return MATCH;
    };
    await page.withPage(await startPage(recognise), async ({ tab }) => {
      await tab.setInputFiles('#files', page.photo);
      await tab.click('text=Send it again');
      await tab.waitForSelector('.card[data-state=answered]');
      assert.equal(times, 2);
    });
  });

  it('posts a handful of photos at once, however many are chosen', async () => {
    let now = 0;
    let most = 0;
    const gate = Promise.withResolvers<void>();
    const recognise = async () => {
      now += 1;
      most = Math.max(most, now);
      await gate.promise;
      now -= 1;
      return MATCH;
    };
    await page.withPage(await startPage(recognise), async ({ tab }) => {
      await tab.setInputFiles(
        '#files',
        Array.from({ length: 12 }, (_, n) => ({ ...page.photo, name: `${n}.jpg` })),
      );
      await until('the handful', () => now === 5);
      await tab.waitForSelector('.card >> text=waits for its turn');
      gate.resolve();
      await counts(tab, '.card[data-state=answered]', 12);
      assert.equal(most, 5);
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

  it('lets go of a photo that cannot be displayed', async () => {
    await page.withPage(await startPage(), async ({ tab }) => {
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
      }`);
      await tab.setInputFiles('#files', [
        page.photo,
        { ...page.photo, name: 'broken.jpg', buffer: Buffer.from('hello') },
      ]);
      await tab.waitForSelector('.card >> text=no picture');
      await counts(tab, '.card img', 1);
      const shown = await tab.locator('.card img').getAttribute('src');
      assert.deepEqual(await tab.evaluate('[...held]'), [shown]);
    });
  });

  it('says what to do when the camera is refused', async () => {
    await page.withPage(await startPage(), async ({ tab }) => {
      await tab.click('#camera-open');
      await tab.waitForSelector('text=The camera was refused');
      await tab.press('#camera', 'Escape');
      await tab.waitForSelector('#camera', { state: 'hidden' });
    });
  });
});
