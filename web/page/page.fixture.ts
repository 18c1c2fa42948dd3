/**
 * The page in a real Chromium, on the real app; what lies behind the app is told by the test: the live
 * view's states, the samples and the answers.
 */
import { accessSync, constants } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { delimiter, join } from 'node:path';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import sharp from 'sharp';
import type { Match } from '../../cloud/contract/match.ts';
import { startApp } from '../app.fixture.ts';
import type { LiveHistory, LiveState } from '../live/state.ts';
import type { Upload } from '../upload/photo.ts';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'];

/** CHROMIUM_PATH, else the first on PATH. */
export const chromiumPath = process.env.CHROMIUM_PATH ?? onPath();
export const skip =
  chromiumPath === undefined && 'there is no Chromium on PATH and CHROMIUM_PATH is not set';

function onPath(): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return folders
    .flatMap((folder) => NAMES.map((name) => join(folder, name)))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

export function openChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: chromiumPath as string,
    args: [
      '--no-sandbox', // Root has none, and nothing foreign is opened.
      '--use-fake-device-for-media-stream',
    ],
  });
}

const WAIT_MS = 15_000;

/** What a page of ours must never do. */
export interface Sins {
  readonly console: string[];
  readonly hosts: string[];
}

export async function openTab(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<{ tab: Page; sins: Sins; close(): Promise<void> }> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const tab = await context.newPage();
  tab.setDefaultTimeout(WAIT_MS);
  const sins: Sins = { console: [], hosts: [] };
  tab.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning')
      sins.console.push(message.text());
  });
  tab.on('pageerror', (error) => sins.console.push(String(error)));
  const { host } = new URL(url);
  tab.on('request', (request) => {
    const to = new URL(request.url());
    if (/^https?:$/.test(to.protocol) && to.host !== host) sins.hosts.push(to.href);
  });
  await tab.goto(url);
  return { tab, sins, close: () => context.close() };
}

export const MATCH: Match = {
  name: 'Ada',
  distance: 0.42,
  box: [60, 40, 180, 200],
  probability: 0.999,
  landmarks: [
    [95, 100],
    [145, 100],
    [120, 130],
    [100, 160],
    [140, 160],
  ],
  nearest: [
    { name: 'Ada', distance: 0.42 },
    { name: 'Grace', distance: 1.01 },
    { name: 'Alan', distance: 1.2 },
  ],
  width: 240,
  height: 240,
};

export function liveState(changes: Partial<LiveState> = {}, at = Date.now()): LiveState {
  return {
    now: { at, waiting: 3, inWork: 2, serving: 2, booting: 1, answered: 4 },
    oldestSeconds: 1.5,
    largestFleet: 20,
    policy: 'drain-time',
    scaler: 'leader',
    answers: { perSecond: 4.2, p50: 0.31, p95: 1.7 },
    instances: (
      ['busy', 'idle', 'starting', 'pending', 'draining', 'drained', 'silent', 'stopping'] as const
    ).map((state, index) => ({
      id: `i-${index}`,
      name: `app-tier-instance-${index + 1}`,
      state,
      seconds: 3 + index,
      inHand: state === 'busy' ? 2 : 0,
      finished: 7,
      spot: index === 1,
      type: null,
    })),
    decisions: [
      { at: at - 4000, what: 'launch app-tier-instances 3-4', reason: '5 wait, 2 serve' },
      { at: at - 9000, what: 'launch app-tier-instances 1-2', reason: 'the first photos came' },
    ],
    ...changes,
  };
}

export interface PageDouble {
  readonly url: string;
  /** What /live sends to everyone from now on, every `everyMs`. */
  state: LiveState;
  history: LiveHistory;
  /** Status of /live; anything but 200 refuses. */
  liveStatus: number;
  /** How many streams are open. */
  readonly watching: number;
  /** The keys that /live was asked with. */
  readonly keys: (string | undefined)[];
  /** Ends all streams, as a stopping server does. */
  cut(): void;
  stop(): Promise<void>;
}

const EVERY_MS = 100;

export async function startPage(
  recognise: (upload: Upload) => Promise<Match> = async () => MATCH,
  samples = 4,
): Promise<PageDouble> {
  const app = await startApp({ recognise });
  const viewers = new Set<ServerResponse>();
  const photo = await samplePhoto();
  const double = {
    url: app.url,
    state: liveState(),
    history: { points: [] } as LiveHistory,
    liveStatus: 200,
    keys: [] as (string | undefined)[],
    get watching() {
      return viewers.size;
    },
    cut() {
      for (const response of viewers) response.end();
      viewers.clear();
    },
    async stop() {
      clearInterval(timer);
      double.cut();
      await app.stop();
    },
  };
  const timer = setInterval(() => {
    const now = { ...double.state.now, at: Date.now() };
    for (const viewer of viewers) write(viewer, 'state', { ...double.state, now });
  }, EVERY_MS);
  const [inner] = app.server.listeners('request') as [
    (request: unknown, response: ServerResponse) => void,
  ];
  app.server.removeAllListeners('request');
  app.server.on('request', (request, response) => {
    const { url = '' } = request;
    if (url === '/live') {
      double.keys.push(request.headers.authorization);
      if (double.liveStatus !== 200) {
        response.writeHead(double.liveStatus).end();
        return;
      }
      response.writeHead(200, { 'Content-Type': 'text/event-stream' });
      write(response, 'history', double.history);
      viewers.add(response);
      response.on('close', () => viewers.delete(response));
    } else if (url === '/samples') {
      const names = Array.from({ length: samples }, (_, n) => `sample_${n}.jpg`);
      response.writeHead(200, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify(names));
    } else if (url.startsWith('/samples/')) {
      response.writeHead(200, { 'Content-Type': 'image/jpeg' }).end(photo);
    } else {
      inner(request, response);
    }
  });
  return double;
}

function write(response: ServerResponse, name: string, data: unknown): void {
  response.write(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
}

/** A grey square: what is found in it is the test's to say. */
export function samplePhoto(): Promise<Buffer> {
  const { width, height } = MATCH;
  return sharp({ create: { width, height, channels: 3, background: '#8a93a0' } })
    .jpeg()
    .toBuffer();
}
