/** Progress on one terminal line: a bar and the time left, where they are known. */
import cliProgress, { SingleBar } from 'cli-progress';

export interface Counted {
  readonly done: number;
  readonly all: number;
}

/** @param id of what goes on under changing words; the words themselves by default */
export type OnStep = (what: string, counted?: Counted, id?: string) => void;

const BAR_COLUMNS = 20;

interface Payload {
  readonly what: string;
  readonly counts: boolean;
}

export class ProgressLine {
  readonly #stream: NodeJS.WriteStream;
  #bar: SingleBar | undefined;
  #shown = '';

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
  }

  /** The time left is counted from the start where `id`, or the number of all, is another. */
  step: OnStep = (what, counted, id = what) => {
    const shown = `${id} ${counted?.all}`;
    const payload: Payload = { what, counts: counted !== undefined };
    if (this.#bar !== undefined && shown === this.#shown) {
      this.#bar.update(counted?.done ?? 0, payload);
      return;
    }
    this.end();
    this.#shown = shown;
    this.#bar = new SingleBar({
      stream: this.#stream,
      format: lineOf,
      barsize: BAR_COLUMNS,
      barCompleteChar: '█',
      barIncompleteChar: '░',
      // An interrupted command must leave the terminal as it was.
      hideCursor: false,
      linewrap: null,
      clearOnComplete: true,
    });
    this.#bar.start(counted?.all ?? 1, counted?.done ?? 0, payload);
  };

  /** Takes it off the terminal; a later step shows it again. */
  end(): void {
    this.#bar?.stop();
    this.#bar = undefined;
  }
}

type Formatter = (
  options: Parameters<typeof cliProgress.Format.BarFormat>[1],
  parameters: { readonly progress: number; readonly eta: number | string },
  payload: Payload,
) => string;

const lineOf: Formatter = (options, { progress, eta }, { what, counts }) => {
  if (!counts) return what;
  const bar = cliProgress.Format.BarFormat(progress, options);
  const left = Number(eta);
  // Before the first step is done it would be a guess.
  const time = progress > 0 && Number.isFinite(left) ? `  ${timeOf(left)} left` : '';
  return `${bar} ${Math.floor(progress * 100)} %${time}  ${what}`;
};

function timeOf(seconds: number): string {
  if (seconds < 60) return `${Math.ceil(seconds)} s`;
  return seconds < 3600 ? `${Math.ceil(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}
