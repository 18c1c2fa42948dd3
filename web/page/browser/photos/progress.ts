/** How far the photos are: "37 of 100", with buttons to retry, stop and clear. */
import { byId } from '../dom.ts';
import { count, duration } from '../words.ts';

export interface Counts {
  /** Photos of this run by their state. */
  readonly onTheirWay: number;
  readonly answered: number;
  readonly failed: number;
  readonly waiting: number;
  /** Failed photos of the whole list that another try may mend. */
  readonly retryable: number;
  /** Photos in the list. */
  readonly listed: number;
}

export interface Progress {
  /** Starts the clock of a run. */
  begin(): void;
  show(counts: Counts): void;
  words(): string;
}

export interface ProgressButtons {
  retry(): void;
  stop(): void;
  clear(): void;
}

export function openProgress({ retry, stop, clear }: ProgressButtons): Progress {
  const panel = byId('progress', 'div');
  const words = byId('progress-words', 'p');
  const bar = byId('progress-bar', 'progress');
  const retryButton = byId('progress-retry', 'button');
  const stopButton = byId('progress-stop', 'button');
  const clearButton = byId('progress-clear', 'button');
  retryButton.addEventListener('click', retry);
  stopButton.addEventListener('click', stop);
  clearButton.addEventListener('click', clear);
  let startedAt = 0;
  let endedAt: number | undefined;
  return {
    begin() {
      startedAt = performance.now();
      endedAt = undefined;
    },
    show({ onTheirWay, answered, failed, waiting, retryable, listed }) {
      const isOver = onTheirWay === 0;
      const all = answered + failed + onTheirWay;
      if (isOver) endedAt ??= performance.now();
      const seconds = ((endedAt ?? performance.now()) - startedAt) / 1000;
      const failures = failed > 0 ? `, ${failed} failed` : '';
      const time = isOver ? ` in ${duration(seconds)}` : '';
      words.textContent = isOver
        ? `${count(answered, 'photo')} answered${failures}${time}`
        : `${answered + failed} of ${all}${failures}`;
      bar.max = Math.max(1, all);
      bar.value = answered + failed;
      bar.hidden = isOver;
      stopButton.hidden = waiting === 0;
      retryButton.hidden = retryable === 0;
      retryButton.textContent =
        retryable === 1 ? 'Retry the failed one' : `Retry ${retryable} failed`;
      clearButton.hidden = !isOver;
      panel.hidden = listed < 2;
    },
    words: () => words.textContent ?? '',
  };
}
