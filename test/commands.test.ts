/** Every command as a person asks for it: its help, and what it does with a wrong command line. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { EXIT, EXIT_CODES_HELP } from '../runtime/process/exit.ts';

const program = fileURLToPath(new URL('../elastic-face.ts', import.meta.url));
const source = await readFile(program, 'utf8');
const commands = [...source.matchAll(/import\('\.\/\w+\/([\w-]+)\.command\.ts'\)/g)].map(
  ([, name]) => name ?? '',
);

async function run(...args: string[]) {
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const exit = new Promise<number | null>((resolve) => child.once('close', resolve));
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { out, err, code: await exit };
}

describe('every command', { concurrency: 2 }, () => {
  it('is known here', () => assert.ok(commands.length > 15, commands.join()));

  for (const name of commands) {
    it(`${name} --help has an example and the exit codes, and ${name} --no-such-flag is refused`, async () => {
      const help = await run(name, '--help');
      assert.equal(help.code, EXIT.fine);
      assert.match(help.out, new RegExp(`^Examples:[^]*(elastic-face|npm run -s) ${name}\\b`, 'm'));
      assert.ok(help.out.includes(EXIT_CODES_HELP), help.out);
      const refused = await run(name, '--no-such-flag');
      assert.equal(refused.code, EXIT.usage);
      assert.equal(refused.out, '');
    });
  }
});

for (const [args, sentence, expected] of [
  [['--help'], /Exit codes:/, EXIT.fine],
  [[], /Name a command/, EXIT.usage],
  [['recognise', 'a.jpg'], /Did you mean recognize\?/, EXIT.usage],
  [['start', '--port', 'web'], /^--port must be a number\.$/m, EXIT.usage],
  [['start', '--port', '70000'], /^Wrong settings: PORT .*Correct and start again/, EXIT.usage],
  [['bench', 'cost', '--photos', '0'], /^--photos, .* must be whole numbers from 1/, EXIT.usage],
  [['bench', 'scaling', '--workload', 'x'], /There is no workload "x"; there are /, EXIT.usage],
  [['chaos', '--clients', '0'], /^--requests, .* must be numbers above 0/, EXIT.usage],
  [['soak', '--share', '2'], /^--minutes must be above 0, --share from 0 to 1/, EXIT.usage],
  [['deploy', 'synth', '--id', 'No Id'], /id/, EXIT.usage],
  [
    ['recognize'],
    /The first line above says what must be named: 0 given, at least 1 needed/,
    EXIT.usage,
  ],
  [
    ['recognize', '/no/such.jpg', '--model', '/nope'],
    /no converted model in \/nope.*npm run convert/,
    EXIT.failed,
  ],
  [
    ['convert', '--gallery', '/nope', '--out', '/tmp/elastic-face-none'],
    /name a data\.pt, or a folder/,
    EXIT.failed,
  ],
  [['photo', 'test_5000'], /There is no photo 'test_5000'/, EXIT.failed],
] as const) {
  it(`\`elastic-face ${args.join(' ')}\` says what to do and exits ${expected}`, async () => {
    const { out, err, code } = await run(...args);
    assert.match(expected === EXIT.fine ? out : err, sentence);
    assert.doesNotMatch(err, /\n\s+at /, 'no stack trace');
    assert.equal(code, expected);
  });
}
