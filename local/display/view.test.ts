import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { stripVTControlCharacters, styleText } from 'node:util';
import { parts } from '../stack.ts';
import { fit, type Paint, type View, viewLines } from './view.ts';

const plain: Paint = (_, text) => text;
const coloured: Paint = (format, text) => styleText(format, text, { validateStream: false });

const instance = (number: number, state: string, does?: string) => ({
  id: `i-${number}`,
  name: `app-tier-instance-${number}`,
  state,
  spot: false,
  ...(does === undefined ? {} : { does }),
});

const running: View = {
  ready: new Set(parts),
  stack: { webUrl: 'http://127.0.0.1:8000', maxInstances: 20 },
  look: {
    photosPerSecond: 4.25,
    scaler: {
      now: {
        at: '2030-01-01T00:00:00.000Z',
        reasons: [],
        figures: {
          waiting: 12,
          inWork: 2,
          serving: 2,
          booting: 2,
          arrivalsPerSecond: 4,
          serviceSeconds: 0.2,
          bootSeconds: 5,
        },
        instances: [
          instance(1, 'running', 'busy'),
          instance(2, 'running', 'busy'),
          instance(3, 'running'),
          instance(4, 'pending'),
          instance(5, 'terminated'),
        ],
      },
      decisions: [
        {
          at: '2030-01-01T00:00:00.000Z',
          actions: [{ kind: 'launch', on: 'app-tier-instance-3', reason: 'requests wait' }],
          refusals: {},
        },
      ],
    },
  },
};

describe('the live view', () => {
  it('says what is ready, what to try, the fleet by state, the work and the last decision', () => {
    const text = viewLines(running, 120, plain).join('\n');
    assert.match(text, /^✓ cloud {2}✓ model {2}✓ redis {2}✓ scaler {2}✓ web$/m);
    assert.match(text, /^open {4}http:\/\/127\.0\.0\.1:8000$/m);
    assert.match(
      text,
      /^try {5}curl -F "inputFile=@\$\(npm run -s photo\)" http:\/\/127\.0\.0\.1:8000\/$/m,
    );
    assert.match(text, /^fleet {3}4 of up to 20 {2}1 booting {2}2 busy {2}1 pending$/m);
    assert.match(text, /^work {4}12 waiting {2}2 in work {2}4\.3 photos\/s$/m);
    assert.match(text, /^last {4}\d\d:\d\d:\d\d {2}launch app-tier-instance-3: requests wait$/m);
  });

  it('says what it does while it starts, and what is not known as such', () => {
    const starting = { ready: new Set(['cloud'] as const), doing: 'Model: downloading (50 %)' };
    const text = viewLines(starting, 120, plain).join('\n');
    assert.match(text, /✓ cloud {2}· model/);
    assert.match(text, /^doing {3}Model: downloading \(50 %\)$/m);
    const { look: _, ...young } = running;
    assert.match(viewLines(young, 120, plain).join('\n'), /not known yet[\s\S]*\? waiting/);
  });

  it('no line is as wide as the terminal, with colours or without, and the command stays whole', () => {
    for (let columns = 1; columns <= 130; columns++) {
      for (const paint of [plain, coloured]) {
        const lines = viewLines(running, columns, paint).map(stripVTControlCharacters);
        for (const line of lines) {
          assert.ok(line.length < Math.max(2, columns), `${columns} columns: ${line}`);
        }
        if (columns < 50) continue;
        const command = lines.join('\n').replace(' \\\n  ', ' ');
        assert.match(command, /curl \S+ \S+ \S+ -s photo\)" http:\/\/127\.0\.0\.1:8000\/$/m);
      }
    }
  });

  it('a line that is fitted holds nothing that a terminal obeys', () => {
    assert.equal(fit('a\u001b[2Jb\nc\u0007', 10), 'ab c ');
    assert.equal(fit('abcdef', 4), 'abc…');
    assert.equal(fit('abcdef', 0), '');
  });
});
