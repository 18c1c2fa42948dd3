/** The line protocol from the side of a party written in TypeScript. Knows no engine. */
import { createInterface } from 'node:readline';
import { messageOf } from '../../../runtime/errors.ts';
import type { Answer, Kind, Request } from '../protocol.ts';

export type Handlers = {
  readonly [K in Kind]?: (request: Extract<Request, { do: K }>) => Promise<Answer<K>>;
};

/** Answers until standard input ends. */
export async function serve(handlers: Handlers, versions: string): Promise<void> {
  say({ ready: true, versions });
  for await (const line of createInterface({ input: process.stdin })) {
    const { id, ...request } = JSON.parse(line) as { id: number } & Request;
    const handle = handlers[request.do] as ((request: Request) => Promise<object>) | undefined;
    try {
      if (!handle) throw new Error(`${request.do} is not for this party`);
      say({ id, ...(await handle(request)) });
    } catch (error) {
      say({ id, error: messageOf(error) });
    }
  }
}

function say(answer: object): void {
  process.stdout.write(`@${JSON.stringify(answer)}\n`);
}
