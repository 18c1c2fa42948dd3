/**
 * `PRECISION=auto` against each fixed precision on whole photos, on this processor and with instructions
 * hidden from oneDNN as far as its own setting can, and what the trial behind it takes.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readSettings } from '../../runtime/settings.ts';
import { describeMachine } from '../inference/machine.ts';
import { gatherPhotos, singles } from '../inference/photos.ts';
import { median } from '../inference/statistics.ts';
import { CONTROL, measureInTurns, measureTrial, type Party } from './turns.ts';

/** Values of ONEDNN_MAX_CPU_ISA; undefined hides nothing. */
const masks: readonly { readonly label: string; readonly mask?: string }[] = [
  { label: 'all of this processor' },
  { label: 'without AMX', mask: 'AVX512_CORE_BF16' },
  { label: 'without bfloat16', mask: 'AVX512_CORE_VNNI' },
  { label: 'without AVX-512', mask: 'AVX2' },
];
const ASKED = ['auto', 'float32', 'bfloat16'] as const;
const SETS = ['course', 'small'];

export interface PrecisionOptions {
  readonly rounds: number;
  readonly json: boolean;
}

export interface PrecisionRow {
  readonly instructions: string;
  readonly photos: string;
  readonly count: number;
  readonly parties: readonly Party[];
  readonly trial: { readonly wallMs: number; readonly processorMs: number };
}

/** @returns a table, or JSON */
export async function benchPrecision(
  { rounds, json }: PrecisionOptions,
  step: (what: string) => void,
): Promise<string> {
  const { MODEL_DIR } = readSettings();
  const scratch = await mkdtemp(join(tmpdir(), 'elastic-face-precision-'));
  const rows: PrecisionRow[] = [];
  try {
    const sets = (await gatherPhotos(join(scratch, 'photos'), [])).filter(({ name }) =>
      SETS.includes(name),
    );
    for (const [index, { label, mask }] of masks.entries()) {
      const environment = {
        ...process.env,
        XDG_CACHE_HOME: join(scratch, `cache-${index}`),
        ...(mask !== undefined && { ONEDNN_MAX_CPU_ISA: mask }),
      };
      const options = { model: MODEL_DIR, rounds, environment };
      step(`trial, ${label}`);
      const trial = await measureTrial({ ...options, photos: [] });
      for (const set of sets) {
        step(`${set.label}, ${label}`);
        const photos = singles(set);
        const parties = await measureInTurns(ASKED, { ...options, photos });
        rows.push({ instructions: label, photos: set.label, count: photos.length, parties, trial });
      }
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  if (json) return JSON.stringify(rows, null, 2);
  const { processor, features } = await describeMachine();
  return `${processor} (${features.join(', ')})\n\n${precisionTable(rows)}`;
}

/**
 * Markdown. Times are medians, of the processor and of one thread; ratios are medians of those of each
 * round. The control says what of a ratio is chance: it is the same precision twice.
 */
export function precisionTable(rows: readonly PrecisionRow[]): string {
  return [
    '| instructions | photos | float32, ms | bfloat16, ms | auto, ms | auto is | of the faster | control | trial, ms (of the processor) |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- |',
    ...rows.map(({ instructions, photos, count, parties, trial }) => {
      const passes = (asked: string): readonly number[] =>
        parties.find((party) => party.asked === asked)?.passes ?? [];
      const ms = (asked: string): number =>
        passes(asked).length === 0 ? Number.POSITIVE_INFINITY : median(passes(asked)) / count;
      const ratio = (one: string, other: string): string =>
        median(passes(one).map((value, round) => value / passes(other)[round]!)).toFixed(2);
      const shown = (asked: string): string =>
        Number.isFinite(ms(asked)) ? ms(asked).toFixed(1) : 'does not run';
      const faster = ms('bfloat16') < ms('float32') ? 'bfloat16' : 'float32';
      const taken = parties.find(({ asked }) => asked === 'auto')?.precision ?? 'none';
      const cells = [
        ...[instructions, photos, ...['float32', 'bfloat16', 'auto'].map(shown), taken],
        ...[ratio('auto', faster), ratio(CONTROL, taken)],
        `${trial.wallMs.toFixed(0)} (${trial.processorMs.toFixed(0)})`,
      ];
      return `| ${cells.join(' | ')} |`;
    }),
  ].join('\n');
}
