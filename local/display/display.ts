/** Chooses what a person sees of a stack: plain lines, or on a terminal a view that is redrawn in place. */
import type { Display } from './plain.ts';

/** The live view needs a terminal with cursor control; scripts get plain lines. */
export async function openDisplay(
  stream: NodeJS.WriteStream,
  logFolder: string,
  { CI, TERM }: NodeJS.ProcessEnv = process.env,
): Promise<Display> {
  const isLive = stream.isTTY && !CI && TERM !== 'dumb';
  if (!isLive) return (await import('./plain.ts')).plainDisplay((line) => console.log(line));
  return (await import('./live.ts')).liveDisplay(stream, logFolder);
}
