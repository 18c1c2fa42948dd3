/**
 * Prints answers to standard output, failures and progress to standard error. Ends the program quietly when
 * the reader closes the pipe (`| head`).
 */

const CLEAR_LINE = '\r\u001b[K';

export class Output {
  readonly #total: number;
  readonly #showsProgress: boolean;
  #done = 0;

  /** @param total number of photos to come */
  constructor(total: number) {
    this.#total = total;
    // On a terminal, the answers themselves show the progress.
    this.#showsProgress = process.stderr.isTTY && !process.stdout.isTTY && total > 1;
    process.stdout.on('error', leaveWhenClosed);
    this.#draw();
  }

  answer(line: string): void {
    process.stdout.write(`${line}\n`);
  }

  failure(line: string): void {
    this.#clear();
    process.stderr.write(`${line}\n`);
  }

  advance(): void {
    this.#done++;
    this.#draw();
  }

  end(): void {
    this.#clear();
  }

  #draw(): void {
    if (!this.#showsProgress) return;
    process.stderr.write(`${CLEAR_LINE}${this.#done} of ${this.#total} photos`);
  }

  #clear(): void {
    if (this.#showsProgress) process.stderr.write(CLEAR_LINE);
  }
}

function leaveWhenClosed(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
}
