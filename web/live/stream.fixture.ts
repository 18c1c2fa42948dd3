/** Reads a stream of server-sent events over fetch, with headers of one's own, as the page does. */
import assert from 'node:assert/strict';

export interface StreamEvent {
  readonly name: string;
  readonly id: string;
  /** As it came. */
  readonly text: string;
  readonly data: unknown;
}

export interface Stream {
  readonly response: Response;
  /** The next that fits; fails when the stream ends before. */
  next(name: string, fits?: (data: unknown) => boolean): Promise<StreamEvent>;
  /** Resolves when the server has ended it. */
  ended(): Promise<void>;
  leave(): void;
}

export async function openStream(
  url: string,
  headers: Record<string, string> = {},
): Promise<Stream> {
  const leaving = new AbortController();
  const response = await fetch(url, { headers, signal: leaving.signal });
  assert.equal(response.status, 200, await (response.ok ? '' : response.text()));
  const events = read(response);
  return {
    response,
    async next(name, fits = () => true) {
      for (;;) {
        const { value, done } = await events.next();
        if (done) throw new Error(`The stream ended before '${name}' came.`);
        if (value.name === name && fits(value.data)) return value;
      }
    },
    async ended() {
      while (!(await events.next()).done);
    },
    leave: () => leaving.abort(),
  };
}

async function* read(response: Response): AsyncGenerator<StreamEvent, undefined> {
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    const blocks = text.split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks) {
      const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1] ?? '';
      const data = field('data');
      if (data === '') continue;
      yield { name: field('event'), id: field('id'), text: block, data: JSON.parse(data) };
    }
  }
}
