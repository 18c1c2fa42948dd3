/**
 * Shows a conversion's progress: one changing line on a terminal, else one line a stage. Knows no stage
 * by name.
 */
import { basename } from 'node:path';
import { type OnProgress, type Progress, stages } from './progress.ts';

/** Returns to the beginning of the line and erases it. */
const ERASE = '\r\u001b[2K';

/** Between two lines about one stage, so that a log of a long download stays short. */
const LINE_EVERY_MS = 5000;

export interface ShownProgress {
  readonly show: OnProgress;
  /** Clears what is shown, so that what comes later starts on a line of its own. */
  readonly end: () => void;
}

export function showProgress(stream: NodeJS.WriteStream): ShownProgress {
  if (!stream.isTTY) {
    return { show: stageLines((line) => stream.write(`${line}\n`)), end: () => {} };
  }
  let shown = false;
  return {
    show: (progress) => {
      shown = true;
      stream.write(`${ERASE}${describeProgress(progress).slice(0, (stream.columns || 80) - 1)}`);
    },
    end: () => {
      if (shown) stream.write(ERASE);
      shown = false;
    },
  };
}

/** Says each stage when it begins, and how far it is now and then while it lasts. */
export function stageLines(
  say: (line: string) => void,
  now: () => number = () => performance.now(),
): OnProgress {
  let last: Progress['stage'] | undefined;
  let saidAt = 0;
  return (progress) => {
    const begins = progress.stage !== last;
    if (!begins && now() - saidAt < LINE_EVERY_MS) return;
    say(`Model: ${begins ? stages[progress.stage] : describeProgress(progress)}`);
    last = progress.stage;
    saidAt = now();
  };
}

/** E.g. `reading the checkpoints: onet.pt (50 %)`. */
export function describeProgress({ stage, detail, share }: Progress): string {
  const what = detail === undefined ? '' : `: ${basename(detail)}`;
  const part = share === undefined ? '' : ` (${Math.round(share * 100)} %)`;
  return `${stages[stage]}${what}${part}`;
}
