import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { outcomeName } from '../../cloud/contract/messages.ts';
import { silent } from '../../test/cloud.fixture.ts';
import { until } from '../../test/condition.fixture.ts';
import { isAlive } from '../../test/start.fixture.ts';
import { InferenceCrash, InferenceError, InferenceStopped, InferenceUnfit } from '../errors.ts';
import { Inference, type InferenceOptions } from './inference.ts';
import { restartDelay } from './restart.ts';

const DOUBLE = new URL('./double.fixture.ts', import.meta.url);

describe('the inference process', { timeout: 60_000 }, () => {
  let folder: string;
  let inference: Inference | undefined;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'elastic-face-inference-'));
  });
  afterEach(async () => {
    await inference?.stop();
    inference = undefined;
    rmSync(folder, { recursive: true });
  });

  function start(mode = '', options: Partial<InferenceOptions> = {}): Inference {
    inference = new Inference({
      entry: DOUBLE,
      args: [folder, mode],
      threads: 1,
      log: silent,
      ...options,
    });
    return inference;
  }
  const linesOf = (file: string): string[] => {
    const path = join(folder, file);
    return existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : [];
  };
  const pids = (): number[] => linesOf('started').map((line) => Number(line.split(' ')[0]));
  const name = async (computed: ReturnType<Inference['compute']>): Promise<string> => {
    const { outcome } = await computed;
    return 'match' in outcome ? outcome.match.name : outcomeName(outcome);
  };
  const photo = (text: string): Buffer => Buffer.from(text);

  it('answers photos in their order', async () => {
    const one = start();
    assert.equal(await one.ready(), 'double');
    const texts = ['face Ann', 'noface', 'notimage', 'face Bob'];
    const names = await Promise.all(texts.map((text) => name(one.compute(photo(text)))));
    assert.deepEqual(names, ['Ann', 'no-face', 'image', 'Bob']);
    assert.deepEqual(linesOf('computed'), texts);
  });

  it('starts without the parent’s own Node options', async () => {
    await start().ready();
    assert.match(linesOf('started')[0] ?? '', / 0$/);
  });

  it('a photo that kills the process fails alone; the others get their answers', async () => {
    const one = start();
    const before = one.compute(photo('face Ann'));
    const crash = one.compute(photo('crash'));
    const after = one.compute(photo('face Bob'));
    await assert.rejects(crash, (error) => {
      assert.ok(error instanceof InferenceCrash);
      assert.match(error.message, /SIGKILL/);
      return true;
    });
    assert.equal(await name(before), 'Ann');
    assert.equal(await name(after), 'Bob');
    // Once with others at hand, and once alone, which tells whose doing it was.
    assert.equal(pids().length, 3);
  });

  it('of photos that wait together, one that kills the process or fails does so alone', async () => {
    const one = start();
    const held = one.compute(photo('held gate'));
    await until('the photo to be in work', () => linesOf('computed').length === 1);
    const texts = ['face Ann', 'riddle', 'crash', 'face Bob', 'noface', 'face Cid'];
    const computed = texts.map((text) => name(one.compute(photo(text))));
    const ends = Promise.allSettled(computed);
    writeFileSync(join(folder, 'gate'), '');
    assert.equal(await name(held), 'gate');
    const told = (await ends).map((end) =>
      end.status === 'fulfilled' ? end.value : end.reason.constructor,
    );
    assert.deepEqual(told, ['Ann', InferenceError, InferenceCrash, 'Bob', 'no-face', 'Cid']);
    assert.equal(pids().length, 3);
  });

  it('a process killed from outside while it computes is replaced', async () => {
    const one = start();
    const held = one.compute(photo('held gate'));
    await until('the photo to be in work', () => linesOf('computed').length === 1);
    process.kill(pids()[0] as number, 'SIGKILL');
    await assert.rejects(held, InferenceCrash);
    assert.equal(await name(one.compute(photo('face Ann'))), 'Ann');
  });

  it('poison photos one after the other never make it give up', async () => {
    const one = start();
    for (let i = 0; i < 6; i++) {
      await assert.rejects(one.compute(photo('crash')), InferenceCrash);
    }
    assert.equal(await name(one.compute(photo('face Ann'))), 'Ann');
  });

  it('a computation over the limit is ended, and the reason said', async () => {
    const one = start('', { computeLimitMs: 200 });
    await one.ready();
    const hang = one.compute(photo('hang'));
    const next = one.compute(photo('face Ann'));
    await assert.rejects(hang, /longer than \d/);
    assert.equal(await name(next), 'Ann');
  });

  it('an error of the model is no crash: the process stays', async () => {
    const one = start();
    await assert.rejects(one.compute(photo('riddle')), (error) => {
      assert.ok(error instanceof InferenceError);
      assert.match(error.message, /out of memory at 'riddle'/);
      return true;
    });
    assert.equal(await name(one.compute(photo('face Ann'))), 'Ann');
    assert.equal(pids().length, 1);
  });

  it('a process that dies while starting is started again; what waited is answered', async () => {
    const one = start('dies-once');
    const ready = one.ready();
    assert.equal(await name(one.compute(photo('face Ann'))), 'Ann');
    assert.equal(await ready, 'double');
    assert.equal(pids().length, 2);
  });

  it('gives up on a program that always dies, with its last words', async () => {
    const one = start('dies');
    const waiting = one.compute(photo('face Ann'));
    waiting.catch(() => {});
    await assert.rejects(one.unfit, (error) => {
      assert.ok(error instanceof InferenceUnfit);
      assert.match(error.message, /exit code 7, last line: the last words/);
      return true;
    });
    await assert.rejects(waiting, InferenceUnfit);
    await assert.rejects(one.ready(), InferenceUnfit);
    await assert.rejects(one.compute(photo('face Bob')), InferenceUnfit);
    assert.equal(pids().length, 5);
  });

  it('gives up at once when the program says that trying again is of no use', async () => {
    const one = start('unfit');
    await assert.rejects(one.unfit, /There is no model here/);
    assert.equal(pids().length, 1);
  });

  it('a start that hangs is ended and counted', async () => {
    const one = start('hangs', { startLimitMs: 300 });
    await assert.rejects(one.unfit, /not ready after 0.3 s/);
  });

  it('stopping ends the process and rejects what is not computed', async () => {
    const one = start();
    const held = one.compute(photo('held gate'));
    const waiting = one.compute(photo('face Ann'));
    held.catch(() => {});
    waiting.catch(() => {});
    await until('the photo to be in work', () => linesOf('computed').length === 1);
    await one.stop();
    await assert.rejects(held, InferenceStopped);
    await assert.rejects(waiting, InferenceStopped);
    assert.equal(await isAlive(pids()[0] as number), false);
  });

  it('leaves by itself when its worker is killed, and not at a Ctrl-C meant for the worker', async () => {
    const { fork } = await import('node:child_process');
    const worker = fork(new URL('./holder.fixture.ts', import.meta.url), [folder]);
    const pid = await until('the inference process', () => pids()[0]);
    await until('a photo in work', () => linesOf('computed').length === 1);
    process.kill(pid, 'SIGINT');
    process.kill(pid, 'SIGTERM');
    writeFileSync(join(folder, 'gate'), '');
    assert.deepEqual(await once(worker, 'message'), ['gate', undefined]);
    worker.kill('SIGKILL');
    await until('it to be gone', async () => !(await isAlive(pid)));
  });
});

it('restarts at once after a crash at work, later and later without work, and not for ever', () => {
  assert.equal(restartDelay(0), 0);
  const delays = [1, 2, 3, 4].map((failed) => restartDelay(failed) ?? assert.fail('gave up'));
  assert.deepEqual(
    delays,
    delays.toSorted((a, b) => a - b),
  );
  assert.ok(new Set(delays).size === 4);
  assert.equal(restartDelay(5), undefined);
});
