/** What a person sees of a stack: plain lines, or on a terminal a view that is drawn anew in place. */
import type { Settings } from '../../runtime/settings.ts';
import type { Instance } from '../ec2/instance.ts';
import type { Part, Stack } from '../stack.ts';

export interface Display {
  /** A line that stays. */
  say(line: string): void;
  /** What making the model does just now. */
  modelSays(line: string): void;
  partReady(part: Part): void;
  instanceChanged(instance: Instance): void;
  ready(stack: Stack, settings: Settings): void;
  /** Lines that are said later are plain. */
  end(): void;
}

/** A view that moves needs a terminal that obeys it, and a person before it. */
export async function openDisplay(
  stream: NodeJS.WriteStream,
  logFolder: string,
  { CI, TERM }: NodeJS.ProcessEnv = process.env,
): Promise<Display> {
  const moves = stream.isTTY && !CI && TERM !== 'dumb';
  if (!moves) return (await import('./plain.ts')).plainDisplay((line) => console.log(line));
  return (await import('./live.ts')).liveDisplay(stream, logFolder);
}
