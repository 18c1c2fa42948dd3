/**
 * A whole local stack whose workers take a fixed time for each photo and need no model, with a record of
 * its fleet. For tests of scaling; knows nothing of what they expect.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Stack, startStack } from '../local/stack.ts';
import { readSettings, type Settings } from '../runtime/settings.ts';
import { silent } from './cloud.fixture.ts';
import { plainPhoto, postPhoto } from './form.fixture.ts';

const PROGRAM = fileURLToPath(new URL('./slow-worker.fixture.ts', import.meta.url));

/** How many instances were pending or running from a time on, as EC2 itself knows, without lag. */
export interface FleetChange {
  /** ms since 1970. */
  readonly at: number;
  readonly size: number;
}

export interface SlowStack {
  readonly stack: Stack;
  readonly changes: readonly FleetChange[];
  fleetSize(): number;
  /** Posts a photo unlike any other and checks that the answer is its own. */
  post(): Promise<void>;
  /** Seconds from each launch to its first work, when there was work for all. */
  boots(): number[];
  /** `begin …` and `end …` of each photo that was worked on. */
  journal(): string[];
  stop(): Promise<void>;
}

/** @param workSeconds what each photo takes */
export async function startSlowStack(
  workSeconds: number,
  settings: Partial<Record<keyof Settings, string | number>>,
): Promise<SlowStack> {
  const folder = mkdtempSync(join(tmpdir(), 'elastic-face-slow-'));
  writeFileSync(join(folder, 'seconds'), String(workSeconds));
  writeFileSync(join(folder, 'journal'), '');
  const up = new Set<string>();
  const changes: FleetChange[] = [{ at: Date.now(), size: 0 }];
  let shade = 0;
  const stack = await startStack({
    settings: readSettings(
      { PORT: 0, LOCAL_CLOUD_PORT: 0, LOCAL_DATA_DIR: folder, MODEL_DIR: folder, ...settings },
      {},
    ),
    log: silent,
    machine: process.env,
    prepareModel: async () => {},
    signal: new AbortController().signal,
    instanceProgram: [PROGRAM],
    onInstanceChange({ id, external, state }) {
      if (external) return;
      if (state === 'pending' || state === 'running') up.add(id);
      else up.delete(id);
      changes.push({ at: Date.now(), size: up.size });
    },
  });
  const journal = () => readFileSync(join(folder, 'journal'), 'utf8').trim().split('\n');
  return {
    stack,
    changes,
    boots() {
      const launches = changes.filter(({ size }, at) => size > (changes[at - 1]?.size ?? 0));
      const first = new Map<string, number>();
      for (const line of journal()) {
        const [word, , pid = '', at] = line.split(' ');
        if (word === 'begin' && !first.has(pid)) first.set(pid, Number(at));
      }
      return [...first.values()].map((at, index) => (at - (launches[index]?.at ?? at)) / 1000);
    },
    fleetSize: () => up.size,
    async post() {
      shade += 1;
      const photo = await plainPhoto(shade);
      const { text } = await postPhoto(`${stack.webUrl}/`, `photo_${shade}.jpg`, photo);
      const digest = createHash('sha256').update(photo).digest('hex').slice(0, 12);
      assert.match(text, new RegExp(`^photo_\\d+:${digest}$`));
    },
    journal,
    async stop() {
      await stack.stop();
      rmSync(folder, { recursive: true });
    },
  };
}
