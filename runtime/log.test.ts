import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createLogger } from './log.ts';

/** Every line that is logged by `say`, as it goes out. */
function lines(say: (log: ReturnType<typeof createLogger>) => void): string[] {
  const written: string[] = [];
  say(createLogger('test', 'trace', { write: (line) => void written.push(line) }));
  return written;
}

describe('logs', () => {
  it('carry service, level and request, one JSON object a line', () => {
    const [line = ''] = lines((log) =>
      log.child({ request: 'r' }).info({ box: [1, 2, 3, 4] }, 'hi'),
    );
    const { service, level, request, msg, box } = JSON.parse(line);
    assert.deepEqual(
      [service, level, request, msg, box],
      ['test', 'info', 'r', 'hi', [1, 2, 3, 4]],
    );
  });

  it('take no line break, escape sequence or change of direction from what they are told', () => {
    const hostile = 'a\n{"level":"fatal"}\r\x1b[2J\x7f\x9b\u2028\u202egpj.exe\ufeff';
    const [line = '', ...more] = lines((log) => {
      log.error({ file: hostile, [hostile]: 1, err: new Error(hostile) }, hostile);
    });
    assert.equal(more.length, 0);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there.
    assert.match(line, /^[^\n\r\x1b\x7f-\x9f\u2028\u202e\ufeff]+\n$/);
    const read = JSON.parse(line);
    assert.deepEqual([read.msg, read.file, read[hostile]], [hostile, hostile, 1]);
  });

  it('say of bytes, pixels and embeddings only how many there were, wherever they hang', () => {
    const photo = Buffer.from('a secret photo');
    const embedding = Array.from({ length: 512 }, (_, i) => i / 1000);
    const error = Object.assign(new Error('no'), { body: photo, embedding });
    const [line = ''] = lines((log) => {
      log.info({ photo, deep: { list: [{ embedding }, new Float32Array(embedding)] }, err: error });
    });
    assert.doesNotMatch(line, /secret|0\.511|115,101|c2Vjc/);
    const { photo: shown, deep } = JSON.parse(line);
    assert.deepEqual(
      [shown, deep.list],
      ['[14 bytes]', [{ embedding: '[512 numbers]' }, '[2048 bytes]']],
    );
  });

  it('keep an error’s type, message, code, stack and causes', () => {
    const cause = Object.assign(new Error('inner'), { code: 'ECONNRESET' });
    const [line = ''] = lines((log) => log.warn({ err: new TypeError('outer', { cause }) }, 'x'));
    const { err } = JSON.parse(line);
    assert.deepEqual(
      [err.type, err.message, err.cause.message, err.cause.code],
      ['TypeError', 'outer', 'inner', 'ECONNRESET'],
    );
    assert.match(err.stack, /log\.test\.ts/);
  });
});
