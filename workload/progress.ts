/** Shows on standard error how far a run is: a bar on a terminal, a line now and then elsewhere. */
import { SingleBar } from 'cli-progress';
import type { Tally } from './tally.ts';

/** Between two lines where there is no terminal. */
const LINE_EVERY_MS = 5000;

export interface Progress {
  update(tally: Tally): void;
  stop(): void;
}

export function showProgress(total: number, stream: NodeJS.WriteStream = process.stderr): Progress {
  return stream.isTTY ? bar(total, stream) : lines(total, stream);
}

function bar(total: number, stream: NodeJS.WriteStream): Progress {
  const single = new SingleBar({
    stream,
    format: '{bar} {value}/{total} | {duration_formatted} | {eta_formatted} left | {bad} bad',
    hideCursor: true,
    // The first answers wait for a fleet to boot: a long window keeps the time left steady.
    etaBuffer: 100,
  });
  single.start(total, 0, { bad: 0 });
  return {
    update: (tally) => single.update(tally.done, { bad: tally.bad }),
    stop: () => single.stop(),
  };
}

function lines(total: number, stream: NodeJS.WriteStream): Progress {
  let writtenAt = performance.now();
  return {
    update(tally) {
      const now = performance.now();
      if (now - writtenAt < LINE_EVERY_MS) return;
      writtenAt = now;
      const rate = tally.durationMs > 0 ? (tally.done * 1000) / tally.durationMs : 0;
      const left = rate > 0 ? Math.ceil((total - tally.done) / rate) : undefined;
      stream.write(
        `${tally.done}/${total} done, ${tally.bad} bad, ${left === undefined ? '?' : left} s left\n`,
      );
    },
    stop: () => undefined,
  };
}
