/** The live view of a stack, redrawn in place; warnings scroll above it. */
import { setInterval as every } from 'node:timers/promises';
import { stripVTControlCharacters, styleText } from 'node:util';
import { createLogUpdate } from 'log-update';
import type { Settings } from '../../runtime/settings.ts';
import { LogFiles, lineForPeople } from '../logs.ts';
import type { Part, Stack } from '../stack.ts';
import { type Look, openLooks } from './look.ts';
import {
  type Display,
  fit,
  instanceLine,
  type Paint,
  redisWords,
  unexpectedEnd,
  viewLines,
} from './view.ts';

const LOOK_MS = 1000;
/** A flood of warnings must not push everything else off the screen; the log has them all. */
const MOST_LINES_A_LOOK = 5;
const DEFAULT_COLUMNS = 80;

export function liveDisplay(stream: NodeJS.WriteStream, logFolder: string): Display {
  return new LiveDisplay(stream, logFolder);
}

class LiveDisplay implements Display {
  readonly #stream: NodeJS.WriteStream;
  readonly #logs: LogFiles;
  readonly #update: ReturnType<typeof createLogUpdate>;
  readonly #ended = new AbortController();
  readonly #ready = new Set<Part>();
  #doing: string | undefined;
  #stack: { webUrl: string; maxInstances: number } | undefined;
  #look: Look | undefined;
  #lookOnce: () => Promise<Look | undefined> = async () => undefined;
  #drawn: string[] = [];

  constructor(stream: NodeJS.WriteStream, logFolder: string) {
    this.#stream = stream;
    this.#logs = new LogFiles(logFolder, { level: 'warn', since: Date.now() });
    this.#update = createLogUpdate(stream);
    stream.on('resize', this.#resized);
    this.#draw();
    void this.#keepLooking();
  }

  say(line: string): void {
    this.#update.clear();
    this.#stream.write(`${line}\n`);
    this.#draw();
  }

  modelSays(line: string): void {
    this.#doing = line;
    this.#draw();
  }

  partReady(part: Part): void {
    this.#ready.add(part);
    this.#doing = undefined;
    this.#draw();
  }

  /** The view counts them; only an unexpected change is worth a line. */
  instanceChanged(instance: Parameters<Display['instanceChanged']>[0]): void {
    if (instance.state === 'terminated' && unexpectedEnd(instance))
      this.say(instanceLine(instance));
  }

  ready(stack: Stack, { MAX_INSTANCES, PROJECT_ID }: Settings): void {
    this.#stack = { webUrl: stack.webUrl, maxInstances: MAX_INSTANCES };
    this.#lookOnce = openLooks(stack);
    this.say(
      [
        `Ready: ${stack.webUrl}`,
        `AWS     AWS_ENDPOINT_URL=${stack.cloudUrl}  (SQS, S3, EC2; project id ${PROJECT_ID})`,
        `scaler  ${stack.scalerUrl}`,
        `Redis   ${redisWords(stack.redis)}`,
        `logs    ${stack.logFolder}`,
      ].join('\n'),
    );
  }

  end(): void {
    if (this.#ended.signal.aborted) return;
    this.#ended.abort();
    this.#stream.off('resize', this.#resized);
    this.#update.clear();
    this.#update.done();
  }

  async #keepLooking(): Promise<void> {
    const { signal } = this.#ended;
    try {
      for await (const _ of every(LOOK_MS, undefined, { signal, ref: false })) {
        // A log that cannot be read just now is no reason to end what runs.
        const lines = await this.#logs.next().catch(() => []);
        const look = await this.#lookOnce();
        if (signal.aborted) return;
        this.#look = look;
        const shown = lines.slice(0, MOST_LINES_A_LOOK).map((line) => this.#logLine(line));
        const more = lines.length - shown.length;
        if (more > 0) shown.push(`… and ${more} more: see the logs`);
        if (shown.length > 0) this.say(shown.join('\n'));
        else this.#draw();
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  #logLine(line: Parameters<typeof lineForPeople>[0]): string {
    // Without their stacks, which the log has.
    const { err: _, ...rest } = line;
    return fit(lineForPeople(rest), this.#columns);
  }

  get #columns(): number {
    return this.#stream.columns || DEFAULT_COLUMNS;
  }

  #draw(): void {
    if (this.#ended.signal.aborted) return;
    const view = { ready: this.#ready, doing: this.#doing, stack: this.#stack, look: this.#look };
    this.#drawn = viewLines(view, this.#columns, this.#paint);
    this.#update(this.#drawn.join('\n'));
  }

  /** Colours only where the stream supports them and NO_COLOR does not forbid them. */
  readonly #paint: Paint = (format, text) => styleText(format, text, { stream: this.#stream });

  /** Terminals wrap lines again when they get narrower: what was drawn has more rows then. */
  readonly #resized = (): void => {
    const columns = this.#columns;
    const more = this.#drawn
      .map((line) => Math.ceil(stripVTControlCharacters(line).length / columns) - 1)
      .reduce((sum, rows) => sum + Math.max(0, rows), 0);
    if (more > 0) this.#stream.write(`\u001b[${more}A`);
    this.#update.clear();
    this.#stream.write('\u001b[J');
    this.#draw();
  };
}
