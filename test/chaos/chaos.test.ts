import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { plainPhoto } from '../form.fixture.ts';
import { runChaos } from './run.ts';

/** The real worker; its inference double names a photo by its own bytes, and poison kills it. */
const PROGRAM = fileURLToPath(new URL('../slow-worker.fixture.ts', import.meta.url));

/** Rows of the report, or parts of them. */
const WIDE = ['swallow', 'half-close', 'delay', 'clock', 'second-scaler', 'burst', 'birth'].concat([
  'slow-down',
  'pipelined',
  'never-reading',
  'slow-uploads',
]);

it('no request is lost in a short run of seed 1', { timeout: 240_000 }, async () => {
  const model = await mkdtemp(join(tmpdir(), 'elastic-face-chaos-model-'));
  await writeFile(join(model, 'seconds'), '0.2');
  const base = await plainPhoto();
  const log: string[] = [];
  const report = await runChaos({
    requests: 110,
    seed: 1,
    minutes: 1,
    faultsPerMinute: 120,
    clients: 8,
    share: 0.6,
    leadSeconds: 3,
    quietSeconds: 0,
    longestSeconds: 3,
    photo(number) {
      // Several, since one may be refused or meet a web node's end.
      const isPoison = number % 40 === 17;
      const mark = Buffer.from(`upload ${number}${isPoison ? ' poison' : ''}`);
      if (number % 50 === 33) return { bytes: mark, expected: { kind: 'refusal' } };
      const bytes = Buffer.concat([base, mark]);
      const name = createHash('sha256').update(bytes).digest('hex').slice(0, 12);
      return { bytes, expected: isPoison ? { kind: 'poison' } : { kind: 'name', name } };
    },
    settings: { MODEL_DIR: model, MAX_RECEIVES: 3 },
    program: [PROGRAM],
    signal: new AbortController().signal,
    say: (line) => log.push(line),
  });
  await rm(model, { recursive: true });
  assert.deepEqual(report.breaches, [], log.join('\n'));
  assert.equal(report.sent, 110);
  const met = Object.keys(report.faults).join();
  const needsServer = report.hasRedisServer ? ['failover', 'kill redis'] : [];
  for (const kind of [...WIDE, ...needsServer]) assert.ok(met.includes(kind), `${kind}: ${met}`);
  assert.ok(report.sentInBursts > 0);
  assert.ok(report.letters >= 1, 'poison is a dead letter');
  assert.ok(report.right > 55, `${report.right} right answers`);
});
