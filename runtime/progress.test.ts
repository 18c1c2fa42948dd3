import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Terminal } from '../local/display/terminal.fixture.ts';
import { missingPython } from '../local/python.fixture.ts';

const skip = await missingPython('pty', 'termios');

/** Runs a program with `line` in it on a terminal, and gives it back when it ended. */
async function shown(program: string): Promise<Terminal> {
  const terminal = new Terminal(
    [
      process.execPath,
      '--input-type=module',
      '-e',
      `import { setTimeout as sleep } from 'node:timers/promises';
       import { ProgressLine } from '${new URL('./progress.ts', import.meta.url)}';
       const line = new ProgressLine(process.stderr);
       ${program}`,
    ],
    { ...process.env, TERM: 'xterm-256color' },
  );
  assert.equal(await terminal.ended(), 0, terminal.output);
  return terminal;
}

it('on a terminal a bar tells how far it is and how long it will take', { skip }, async () => {
  // The bar is drawn ten times a second at most: whatever is shown last is drawn at the end.
  const { output } = await shown(`
    line.step('photos', { done: 0, all: 10 });
    for (const done of [2, 4, 5]) {
      await sleep(300);
      line.step('photos', { done, all: 10 });
    }
    await sleep(300);
    process.exit();`);
  assert.match(output, /░{20} 0 % {2}photos/);
  assert.match(output, /█{10}░{10} 50 % {2}[12] s left {2}photos/);
});

it('one thing keeps its bar while its words change', { skip }, async () => {
  const { output } = await shown(`
    line.step('file, 0 MB', { done: 0, all: 10 }, 'file');
    for (const done of [2, 4, 5]) {
      await sleep(300);
      line.step('file, ' + done + ' MB', { done, all: 10 }, 'file');
    }
    await sleep(300);
    process.exit();`);
  assert.match(output, / 50 % {2}[12] s left {2}file, 5 MB/);
});

it('what cannot be counted is its name alone, and at the end nothing is left', {
  skip,
}, async () => {
  const terminal = await shown(`
    line.step('starting');
    line.step('photos', { done: 1, all: 2 });
    line.end();
    line.end();
    console.log('done');`);
  assert.match(terminal.output, /starting/);
  assert.match(terminal.output, /50 %/);
  assert.deepEqual(
    terminal.lines.filter((one) => one !== ''),
    ['done'],
  );
});
