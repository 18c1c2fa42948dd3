/** Reads GET /live while the page is visible; with fetch, since an EventSource cannot send a key. */
import type { LiveHistory, LiveState } from '../../../live/state.ts';
import { askForKey, keyHeaders } from '../key.ts';

export type Link = 'connecting' | 'live' | 'reconnecting' | 'paused' | 'locked';

export interface Watcher {
  history(history: LiveHistory): void;
  state(state: LiveState): void;
  link(link: Link): void;
}

/** A state arrives every second: after this silence the connection counts as dead. */
const SILENT_MS = 8000;
const FIRST_WAIT_MS = 500;
const MOST_WAIT_MS = 8000;

export async function watchLive(watcher: Watcher): Promise<never> {
  let waitMs = FIRST_WAIT_MS;
  for (;;) {
    if (document.hidden) {
      watcher.link('paused');
      await shown();
      watcher.link('connecting');
    }
    const status = await readOnce(watcher, () => {
      waitMs = FIRST_WAIT_MS;
    }).catch(() => undefined);
    if (document.hidden) continue;
    if (status === 401) {
      watcher.link('locked');
      await askForKey();
      watcher.link('connecting');
      continue;
    }
    watcher.link('reconnecting');
    // Spreads the reconnections of many pages over time.
    await pause(waitMs * (0.75 + Math.random() / 2));
    waitMs = Math.min(MOST_WAIT_MS, waitMs * 2);
  }
}

/** Resolves when the stream ends, fails or falls silent, or when the page is hidden. */
async function readOnce(watcher: Watcher, onState: () => void): Promise<number> {
  const ending = new AbortController();
  const onHidden = (): void => {
    if (document.hidden) ending.abort();
  };
  let silence = setTimeout(() => ending.abort(), SILENT_MS);
  document.addEventListener('visibilitychange', onHidden);
  try {
    const response = await fetch('live', {
      headers: { Accept: 'text/event-stream', ...keyHeaders() },
      cache: 'no-store',
      signal: ending.signal,
    });
    if (!response.ok || response.body === null) return response.status;
    for await (const { event, data } of eventsOf(response.body)) {
      clearTimeout(silence);
      silence = setTimeout(() => ending.abort(), SILENT_MS);
      // The server that sent this page sends both by the schemas in live/state.ts.
      if (event === 'history') watcher.history(JSON.parse(data) as LiveHistory);
      if (event !== 'state') continue;
      watcher.state(JSON.parse(data) as LiveState);
      watcher.link('live');
      onState();
    }
    return response.status;
  } finally {
    clearTimeout(silence);
    document.removeEventListener('visibilitychange', onHidden);
    ending.abort();
  }
}

interface SentEvent {
  readonly event: string;
  readonly data: string;
}

export async function* eventsOf(body: ReadableStream<BufferSource>): AsyncGenerator<SentEvent> {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const blocks = (text + value).split(/\r?\n\r?\n/);
    text = blocks.pop() ?? '';
    for (const block of blocks) {
      let event = 'message';
      const data: string[] = [];
      for (const line of block.split(/\r?\n/)) {
        const [, field, value = ''] = /^([a-z]+): ?(.*)$/.exec(line) ?? [];
        if (field === 'event') event = value;
        if (field === 'data') data.push(value);
      }
      if (data.length > 0) yield { event, data: data.join('\n') };
    }
  }
}

function shown(): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (document.hidden) return;
      document.removeEventListener('visibilitychange', look);
      resolve();
    };
    document.addEventListener('visibilitychange', look);
  });
}

/** Ends early when the network is back or the page becomes visible. */
function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      window.removeEventListener('online', end);
      document.removeEventListener('visibilitychange', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    window.addEventListener('online', end);
    document.addEventListener('visibilitychange', end);
  });
}
