/** The live view as a person meets it: the real command on a real pseudo-terminal. */
import assert from 'node:assert/strict';
import { appendFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { until } from '../../test/condition.fixture.ts';
import { plainPhoto, postPhoto } from '../../test/form.fixture.ts';
import { modelDirectory } from '../../test/model.fixture.ts';
import { temporaryFolder } from '../cloud.fixture.ts';
import { COMMAND_LINE } from '../processes/service.ts';
import { missingPython } from '../python.fixture.ts';
import { Terminal } from './terminal.fixture.ts';

const skip = await missingPython('pty', 'termios');

describe('npm start on a terminal', { skip, timeout: 180_000 }, () => {
  const folder = temporaryFolder();
  let terminal: Terminal;
  const line = (what: RegExp): string | undefined => terminal.lines.find((one) => what.test(one));
  const counted = (what: RegExp): number => terminal.lines.filter((one) => what.test(one)).length;

  before(async () => {
    const { CI: _, NO_COLOR: __, FORCE_COLOR: ___, ...environment } = process.env;
    terminal = new Terminal([process.execPath, COMMAND_LINE, 'start'], {
      ...environment,
      TERM: 'xterm-256color',
      PORT: '0',
      LOCAL_CLOUD_PORT: '0',
      LOCAL_DATA_DIR: folder.path,
      MODEL_DIR: await modelDirectory(),
    });
  });
  after(() => {
    terminal.kill();
    folder.remove();
  });

  it('shows what is ready, in place, and what to try', async () => {
    await until('all parts', () => line(/✓ cloud {2}✓ model {2}✓ redis {2}✓ scaler {2}✓ web$/), {
      limitMs: 90_000,
    });
    await until('what to try', () =>
      line(/^try .*curl -F "inputFile=@\$\(npm run -s photo\)" http:\S+\/$/),
    );
    await until('a look at the fleet', () => line(/^fleet +0 of up to \d+$/));
    assert.equal(counted(/✓ web/), 1);
    assert.ok(terminal.output.includes('\u001b[32m✓'), 'in colours');
  });

  it('shows the fleet, the work and the decision that a photo leads to', async () => {
    const url = /http:\S+/.exec(line(/^open/) ?? '')?.[0];
    const posted = postPhoto(`${url}/`, 'a.jpg', await plainPhoto());
    await until('a launch', () => line(/^last .* launch app-tier-instance-1/));
    await until('an instance', () => line(/^fleet +1 of up to/));
    await posted;
    await until('a view drawn in place', () => counted(/^fleet/) === 1);
  });

  it('warnings scroll above the view, and what a terminal would obey in them does not', async () => {
    const warning = {
      time: new Date(Date.now() + 1000).toISOString(),
      level: 'warn',
      service: 'web',
      msg: 'a warning \u001b[2J of a test',
    };
    await appendFile(join(folder.path, 'logs', 'web.log'), `${JSON.stringify(warning)}\n`);
    // The view is away for a moment while a line is written above it.
    const [warned, view] = await until('the warning and the view', () => {
      const at = [/WARN a warning {2}of a test/, /✓ cloud/].map((what) =>
        terminal.lines.findIndex((one) => what.test(one)),
      );
      return !at.includes(-1) && at;
    });
    assert.ok(Number(warned) < Number(view), terminal.lines.join('\n'));
  });

  it('fits itself to a terminal that gets narrower', async () => {
    terminal.resize(24, 50);
    const shown = await until('the shorter view', () => {
      const view = terminal.lines.slice(terminal.lines.findLastIndex((one) => /✓ cloud/.test(one)));
      return view.some((one) => one.endsWith('\\')) && view;
    });
    for (const one of shown) assert.ok(one.length < 50, one);
  });

  it('Ctrl-C takes the view away, says so, and gives the cursor back', async () => {
    terminal.interrupt();
    assert.equal(await terminal.ended(), 0);
    const last = terminal.lines.filter((one) => one !== '').slice(-2);
    assert.deepEqual(last, [
      'Stopping: requests in flight are answered first …',
      'Stopped. Nothing is left running.',
    ]);
    assert.equal(counted(/^fleet/), 0);
    assert.ok(
      terminal.output.lastIndexOf('\u001b[?25h') > terminal.output.lastIndexOf('\u001b[?25l'),
    );
  });
});

it('NO_COLOR is heard, and CI gets plain lines', { skip, timeout: 60_000 }, async () => {
  const program = `
    import { openDisplay } from ${JSON.stringify(new URL('../start.ts', import.meta.url).href)};
    const display = await openDisplay(process.stdout, ${JSON.stringify(tmpdir())});
    display.partReady('cloud');
    display.say('a line');
    display.end();`;
  const output = async (settings: Record<string, string>): Promise<string> => {
    const { CI: _, NO_COLOR: __, FORCE_COLOR: ___, ...environment } = process.env;
    const terminal = new Terminal([process.execPath, '--input-type=module', '-e', program], {
      ...environment,
      TERM: 'xterm-256color',
      ...settings,
    });
    assert.equal(await terminal.ended(), 0);
    return terminal.output;
  };
  const [coloured, grey, plain] = await Promise.all([
    output({}),
    output({ NO_COLOR: '1' }),
    output({ CI: '1' }),
  ]);
  assert.ok(coloured.includes('\u001b[32m✓\u001b[39m cloud'), coloured);
  assert.ok(grey.includes('✓ cloud'), grey);
  assert.ok(!grey.includes('\u001b[3'), grey);
  assert.equal(plain.trim(), 'a line');
});
