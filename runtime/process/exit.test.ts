import assert from 'node:assert/strict';
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { until } from '../../test/condition.fixture.ts';

/** A process that stops as its standard input tells it to. */
const PROGRAM = `
  import { stopOnSignals } from '${new URL('./exit.ts', import.meta.url)}';
  import { createLogger } from '${new URL('../log.ts', import.meta.url)}';
  stopOnSignals(createLogger('test', 'silent'), () => new Promise((resolve, reject) => {
    console.log('stopping');
    process.stdin.on('data', (word) =>
      String(word).trim() === 'fail' ? reject(new Error('no')) : resolve());
  }));
  setInterval(() => {}, 1000);
  console.log('ready');
`;

class Program {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly exited: Promise<unknown[]>;
  #output = '';

  constructor() {
    this.#child = spawn(process.execPath, ['--input-type=module', '-e', PROGRAM]);
    this.#child.stdout.on('data', (chunk) => {
      this.#output += chunk;
    });
    this.exited = once(this.#child, 'exit');
  }

  says(word: string): Promise<true> {
    return until(`the program to say '${word}'`, () => this.#output.includes(word));
  }
  count(word: string): number {
    return this.#output.split(word).length - 1;
  }
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }
  tell(word: string): void {
    this.#child.stdin.write(`${word}\n`);
  }
}

describe('graceful stop', { timeout: 20_000 }, () => {
  it('a signal stops once, however often a terminal sends it, and the process leaves with 0', async () => {
    const program = new Program();
    await program.says('ready');
    program.signal('SIGINT');
    program.signal('SIGTERM');
    await program.says('stopping');
    program.tell('done');
    assert.deepEqual(await program.exited, [0, null]);
    assert.equal(program.count('stopping'), 1);
  });

  it('a stop that fails leaves with 1', async () => {
    const program = new Program();
    await program.says('ready');
    program.signal('SIGTERM');
    await program.says('stopping');
    program.tell('fail');
    assert.deepEqual(await program.exited, [1, null]);
  });

  it('a second signal a while later ends a stuck stop', async () => {
    const program = new Program();
    await program.says('ready');
    program.signal('SIGTERM');
    await program.says('stopping');
    let over = false;
    void program.exited.then(() => {
      over = true;
    });
    await until('the insistence to be heard', () => {
      program.signal('SIGTERM');
      return over;
    });
    assert.deepEqual(await program.exited, [1, null]);
  });
});
