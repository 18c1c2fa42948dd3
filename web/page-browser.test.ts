import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { after, before, describe, it } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { until } from '../test/condition.fixture.ts';
import { refuse } from './errors.ts';
import {
  liveState,
  MATCH,
  openChromium,
  openTab,
  type PageDouble,
  samplePhoto,
  skip,
  startPage,
} from './page.fixture.ts';

const CLEAN = { console: [], hosts: [] };
/** A refusal is a failed request, which browsers tell their console. */
const saysStatus = (status: number) => [
  `Failed to load resource: the server responded with a status of ${status}`,
];
const starts = (lines: readonly string[], expected: readonly string[]): void => {
  assert.equal(lines.length, expected.length, lines.join('\n'));
  for (const [n, line] of lines.entries()) assert.ok(line.startsWith(String(expected[n])), line);
};
const counts = (tab: Page, selector: string, number: number) =>
  until(`${number} of ${selector}`, async () => (await tab.locator(selector).count()) === number);
const link = (tab: Page, state: string) => tab.waitForSelector(`#link[data-link=${state}]`);

describe('the page in a browser', { skip }, () => {
  let browser: Browser;
  let photo: { name: string; mimeType: string; buffer: Buffer };
  before(async () => {
    browser = await openChromium();
    photo = { name: 'ada.jpg', mimeType: 'image/jpeg', buffer: await samplePhoto() };
  });
  after(() => browser?.close());

  /** Ends what it opened, whatever the test does. */
  async function withPage(
    double: PageDouble,
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
  }

  it('makes a card of each photo, with its face drawn over it, and says who it is', async () => {
    await withPage(await startPage(), async ({ tab, sins }) => {
      await tab.setInputFiles('#files', [photo, { ...photo, name: 'other.jpg' }]);
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
    await withPage(await startPage(), async ({ tab, sins }) => {
      await link(tab, 'live');
      const bytes = [...photo.buffer].join(',');
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

  it('says in words what is wrong with a photo', async () => {
    await withPage(await startPage(), async ({ tab, sins }) => {
      await tab.setInputFiles('#files', { ...photo, buffer: Buffer.from('hello') });
      const words = await tab.textContent('.card[data-state=refused] .refused');
      assert.match(String(words), /not a photo this service reads/);
      await tab.waitForSelector('.card >> text=no picture');
      starts(sins.console, saysStatus(415));
    });
  });

  it('offers to send a photo again when that may help', async () => {
    let times = 0;
    const recognise = async () => {
      times += 1;
      if (times === 1) throw refuse.busy();
      return MATCH;
    };
    await withPage(await startPage(recognise), async ({ tab }) => {
      await tab.setInputFiles('#files', photo);
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
    await withPage(await startPage(recognise), async ({ tab }) => {
      await tab.setInputFiles(
        '#files',
        Array.from({ length: 12 }, (_, n) => ({ ...photo, name: `${n}.jpg` })),
      );
      await until('the handful', () => now === 5);
      await tab.waitForSelector('.card >> text=waits for its turn');
      gate.resolve();
      await counts(tab, '.card[data-state=answered]', 12);
      assert.equal(most, 5);
    });
  });

  it('shows what every instance does in words, the figures and the decisions', async () => {
    await withPage(await startPage(), async ({ tab, sins }) => {
      await link(tab, 'live');
      const words = await tab.locator('.tiles .word').allTextContents();
      assert.deepEqual(words, [
        ...['busy', 'idle', 'starting', 'launching'],
        ...['draining', 'drained', 'silent', 'stopping'],
      ]);
      const figures = await tab.locator('.figures dd').allTextContents();
      assert.deepEqual(figures, ['3', '2', '4.2', '310 ms', '1.7 s', '1.5 s']);
      assert.match(String(await tab.textContent('.decisions')), /launch app-tier-instances 3-4/);
      assert.equal(await tab.locator('.plot canvas').count(), 2);
      assert.deepEqual(sins, CLEAN);
    });
  });

  it('takes instances away that are gone, and says so when none is left', async () => {
    const double = await startPage();
    await withPage(double, async ({ tab }) => {
      await counts(tab, '.tiles li', 8);
      double.state = liveState({ instances: [] });
      await tab.waitForSelector('text=None runs');
      assert.equal(await tab.locator('.tiles li').count(), 0);
    });
  });

  it('says that it reconnects, and does, when the stream ends', async () => {
    const double = await startPage();
    await withPage(double, async ({ tab }) => {
      await link(tab, 'live');
      double.liveStatus = 503;
      double.cut();
      await link(tab, 'reconnecting');
      assert.equal(await tab.textContent('#link'), 'reconnecting');
      double.liveStatus = 200;
      await link(tab, 'live');
      assert.equal(await tab.textContent('#announce'), 'The live view is back.');
    });
  });

  it('holds no stream while nobody looks at it', async () => {
    const double = await startPage();
    await withPage(double, async ({ tab }) => {
      await link(tab, 'live');
      await tab.evaluate(hide(true));
      await until('the stream to be left', () => double.watching === 0);
      assert.equal(await tab.textContent('#link'), 'paused');
      await tab.evaluate(hide(false));
      await link(tab, 'live');
    });
  });

  it('asks for a key, keeps it in this tab only, and goes on with it', async () => {
    const double = await startPage();
    double.liveStatus = 401;
    await withPage(double, async ({ tab }) => {
      await link(tab, 'locked');
      await tab.fill('#key-field', 'secret');
      double.liveStatus = 200;
      await tab.press('#key-field', 'Enter');
      await link(tab, 'live');
      assert.equal(double.keys.at(-1), 'Bearer secret');
      assert.equal(await tab.evaluate('sessionStorage.length'), 1);
      assert.equal(await tab.evaluate('localStorage.length + document.cookie.length'), 0);
    });
  });

  it('sends a burst of samples and tells how it went', async () => {
    await withPage(await startPage(), async ({ tab, sins }) => {
      await tab.check('.burst input[value="10"]');
      await tab.click('#burst-send');
      await tab.waitForSelector('text=/^10 of 10 answered in /');
      assert.equal(await tab.locator('.cells [data-state=answered]').count(), 10);
      assert.equal(await tab.textContent('.tally'), 'Ada10');
      assert.equal(await tab.textContent('#burst-send'), 'Send');
      assert.deepEqual(sins, CLEAN);
    });
  });

  it('stops a burst', async () => {
    let taken = 0;
    const recognise = async () => {
      taken += 1;
      if (taken > 3) await new Promise(() => {});
      return MATCH;
    };
    await withPage(await startPage(recognise), async ({ tab }) => {
      await tab.check('.burst input[value="100"]');
      await tab.click('#burst-send');
      await until('some photos', () => taken > 3);
      await tab.click('#burst-send');
      await tab.waitForSelector('text=/^3 of 100 answered.*stopped$/');
    });
  });

  it('takes a photo with the camera', async () => {
    const double = await startPage();
    const options = { permissions: ['camera'] };
    await withPage(
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

  it('says what to do when the camera is refused', async () => {
    await withPage(await startPage(), async ({ tab }) => {
      await tab.click('#camera-open');
      await tab.waitForSelector('text=The camera was refused');
      await tab.press('#camera', 'Escape');
      await tab.waitForSelector('#camera', { state: 'hidden' });
    });
  });

  it('works by keyboard alone', async () => {
    await withPage(await startPage(), async ({ tab }) => {
      await tab.waitForSelector('#burst-send:enabled');
      const order: string[] = [];
      for (let n = 0; n < 6; n++) {
        await tab.keyboard.press('Tab');
        order.push(
          String(await tab.evaluate('document.activeElement.id || document.activeElement.name')),
        );
      }
      assert.deepEqual(order, ['pick', 'camera-open', 'sample', 'count', 'source', 'burst-send']);
      const chooser = tab.waitForEvent('filechooser');
      await tab.focus('#pick');
      await tab.keyboard.press('Enter');
      await (await chooser).setFiles(photo);
      await tab.waitForSelector('.card[data-state=answered]');
      await tab.focus('.burst input[value="30"]');
      await tab.keyboard.press('ArrowLeft');
      await tab.keyboard.press('Enter');
      await tab.waitForSelector('text=/^10 of 10 answered in /');
    });
  });

  it('fits a phone of 360 pixels', async () => {
    const phone = { viewport: { width: 360, height: 780 } };
    await withPage(
      await startPage(),
      async ({ tab }) => {
        await tab.setInputFiles('#files', { ...photo, name: `${'long'.repeat(40)}.jpg` });
        await tab.waitForSelector('.card[data-state=answered]');
        await link(tab, 'live');
        await tab.check('.burst input[value="100"]');
        await tab.click('#burst-send');
        await tab.waitForSelector('.cells');
        assert.equal(await tab.evaluate('document.documentElement.scrollWidth'), 360);
      },
      phone,
    );
  });

  for (const colorScheme of ['light', 'dark'] as const) {
    it(`has nothing serious that keeps people out, in ${colorScheme}`, async () => {
      await withPage(
        await startPage(),
        async ({ tab }) => {
          await tab.setInputFiles('#files', [photo, { ...photo, buffer: Buffer.from('hello') }]);
          await tab.waitForSelector('.card[data-state=answered]');
          await tab.waitForSelector('.card[data-state=refused]');
          await link(tab, 'live');
          await tab.check('.burst input[value="10"]');
          await tab.click('#burst-send');
          await tab.waitForSelector('text=/^10 of 10 answered in /');
          await tab.addScriptTag({ path: createRequire(import.meta.url).resolve('axe-core') });
          const { violations } = (await tab.evaluate('axe.run()')) as {
            violations: { id: string; impact: string; nodes: { html: string }[] }[];
          };
          const bad = violations.filter(({ impact }) => /serious|critical/.test(impact));
          assert.deepEqual(
            bad.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]),
            [],
          );
        },
        { colorScheme, bypassCSP: true, reducedMotion: 'reduce' },
      );
    });
  }

  it('is painted before its scripts have come', async (t) => {
    await withPage(await startPage(), async ({ tab }) => {
      await link(tab, 'live');
      const asked = Promise.withResolvers<void>();
      const painted = Promise.withResolvers<void>();
      await tab.route('**/*.ts', async (route) => {
        asked.resolve();
        await painted.promise;
        await route.continue();
      });
      await tab.reload({ waitUntil: 'commit' });
      await asked.promise;
      const ms = await until('the first paint', async () => {
        const first = `performance.getEntriesByName('first-contentful-paint')[0]?.startTime`;
        return (await tab.evaluate<number | undefined>(first)) ?? false;
      });
      painted.resolve();
      await link(tab, 'live');
      t.diagnostic(`first contentful paint after ${Math.round(ms)} ms`);
    });
  });
});

/** Headless Chromium never hides a tab: the page is told so instead. */
function hide(hidden: boolean): string {
  return `Object.defineProperty(document, 'hidden', { value: ${hidden}, configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));`;
}
