/** A program for a process with the emulator of AMX: reads plans from a file, and writes their answers by AMX to another. */
import { readFileSync, writeFileSync } from 'node:fs';
import { deserialize, serialize } from 'node:v8';
import { cpuinfoHere } from '../machine.ts';
import { openOwnEncoder } from './encoder-addon.ts';
import type { EncoderPlan } from './plan.ts';

export interface AmxCase {
  readonly plan: EncoderPlan;
  readonly weights: Float32Array | string;
  readonly images: Float32Array;
  readonly count: number;
}

if (import.meta.main) {
  const cpuinfo = cpuinfoHere().replace(/^flags\s*:/m, '$& amx_tile amx_bf16');
  const [, , from, to] = process.argv;
  const cases = deserialize(readFileSync(from!)) as AmxCase[];
  const answers = cases.map(({ plan, weights, images, count }) =>
    openOwnEncoder(plan, weights, cpuinfo, { amx: true })?.(images, count),
  );
  writeFileSync(to!, serialize(answers));
}
