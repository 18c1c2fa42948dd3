/** A conversion’s progress and how it is shown: a bar with the time left on a terminal, else one line a stage. */
import { basename } from 'node:path';
import { ProgressLine } from '../runtime/progress.ts';

const stages = {
  wait: 'waiting for another conversion into the same folder',
  find: 'finding the model data',
  download: 'downloading the model data',
  check: 'comparing with what is converted already',
  read: 'reading the checkpoints',
  write: 'writing the model',
  gallery: 'making the gallery',
  test: 'testing the model',
} as const;

export interface Progress {
  readonly stage: keyof typeof stages;
  /** What of the stage is in work, e.g. a file's name. */
  readonly detail?: string;
  /** How much of the stage is done, from 0 to 1, where that is known. */
  readonly share?: number;
}

export type OnProgress = (progress: Progress) => void;

/** Between two lines about one stage, so that a log of a long download stays short. */
const LINE_EVERY_MS = 5000;

/** The bar tells its own. */
const TIME_LEFT = /, \d+ s left$/;

export interface ShownProgress {
  readonly show: OnProgress;
  /** Clears what is shown, so that what comes later starts on a line of its own. */
  readonly end: () => void;
}

export function showProgress(stream: NodeJS.WriteStream): ShownProgress {
  if (!stream.isTTY) {
    return { show: stageLines((line) => stream.write(`${line}\n`)), end: () => {} };
  }
  const line = new ProgressLine(stream);
  return {
    show: (progress) =>
      line.step(
        whatOf(progress).replace(TIME_LEFT, ''),
        progress.share === undefined ? undefined : { done: progress.share, all: 1 },
        // A download's words change with every report: its file is what it is.
        `${progress.stage} ${progress.detail?.split(',')[0]}`,
      ),
    end: () => line.end(),
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
export function describeProgress(progress: Progress): string {
  const { share } = progress;
  return `${whatOf(progress)}${share === undefined ? '' : ` (${Math.round(share * 100)} %)`}`;
}

function whatOf({ stage, detail }: Progress): string {
  return detail === undefined ? stages[stage] : `${stages[stage]}: ${basename(detail)}`;
}
