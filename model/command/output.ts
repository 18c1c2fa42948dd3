/**
 * Where lines go: answers to standard output, failures and progress to standard error. A reader that
 * has seen enough (`| head`) ends the program quietly.
 */
import { MultiBar, type SingleBar } from 'cli-progress';

export class Output {
  readonly #bars: MultiBar | undefined;
  readonly #bar: SingleBar | undefined;

  /** @param total number of photos to come */
  constructor(total: number) {
    process.stdout.on('error', leaveWhenClosed);
    // On a terminal the answers themselves show the progress.
    const shown = process.stderr.isTTY && !process.stdout.isTTY && total > 1;
    if (!shown) return;
    this.#bars = new MultiBar({
      stream: process.stderr,
      format: '{bar} {value}/{total} photos, {eta_formatted} to go',
      hideCursor: true,
    });
    this.#bar = this.#bars.create(total, 0);
  }

  answer(line: string): void {
    process.stdout.write(`${line}\n`);
  }

  failure(line: string): void {
    if (this.#bars === undefined) process.stderr.write(`${line}\n`);
    else this.#bars.log(`${line}\n`);
  }

  advance(): void {
    this.#bar?.increment();
  }

  end(): void {
    this.#bars?.stop();
  }
}

function leaveWhenClosed(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
}
