/** One run's results in Markdown: the machine, the targets, then every party. Pure. */

import { parties } from '../parties.ts';
import type { Party } from '../party-program.ts';
import type { PartyResult, Results } from './results.ts';
import { askedFigures } from './targets.ts';

export function report(results: Results): string {
  return [
    machineWords(results),
    '### Asked and measured\n',
    table(
      ['figure', 'asked', 'measured', ''],
      askedFigures(results).map(({ figure, asked, measured, verdict }) => [
        figure,
        asked,
        measured,
        verdict,
      ]),
    ),
    '### The encoder alone, ms a face\n',
    encoderTable(results),
    '### Whole photos, ms\n',
    photosTable(results),
    '### People told apart\n',
    accuracyTable(results),
    '### Photos a second on 2 cores\n',
    table(
      ['who', 'processes', 'threads each', 'photos a second'],
      results.throughput.map((one) => [
        one.label,
        String(one.processes),
        String(one.threads),
        one.photos.toFixed(1),
      ]),
    ),
    '### Memory at work, start, disk\n',
    placesTable(results),
    '### How cost grows\n',
    growthTables(results),
  ].join('\n');
}

export function machineWords({
  date,
  machine,
  threads,
  quick,
  sets,
}: Pick<Results, 'date' | 'machine' | 'threads' | 'quick' | 'sets'>): string {
  const photos = sets.map(({ label, photos }) => `${photos} ${label}`).join('; ');
  return (
    `${date}: ${machine.processor}, ${machine.cores} cores (${machine.features.join(', ')}), ` +
    `${machine.memoryGb} GB; ${threads} thread${threads === 1 ? '' : 's'} a party` +
    `${machine.pinning ? ', held to the same core' : ''}; medians of interleaved rounds` +
    `${quick ? ' of a short run' : ''}. Photos: ${photos}.\n`
  );
}

function encoderTable({ parties: all }: Results): string {
  const ofFacenet = all.filter((one) => partyOf(one)?.facenet);
  const counts = [...new Set(all.flatMap(({ encoder }) => Object.keys(encoder).map(Number)))];
  return table(
    [
      'who',
      ...counts.map((count) => (count === 1 ? 'one face' : `batch of ${count}`)),
      'distance',
      'with',
    ],
    ofFacenet.map((one) =>
      one.skipped !== undefined && Object.keys(one.encoder).length === 0
        ? [labelOf(one), ...counts.map(() => ''), '', `left out: ${one.skipped}`]
        : [
            labelOf(one),
            ...counts.map((count) => ms(divided(one.encoder[count], count))),
            one.distance === undefined ? '' : one.distance.toExponential(1),
            one.skipped === undefined ? (one.versions ?? '') : `broke off: ${one.skipped}`,
          ],
    ),
  );
}

function photosTable({ sets, parties: all }: Results): string {
  const rows = sets.flatMap(({ name, label }) =>
    all.flatMap((one) => {
      const steps = one.photos[name];
      if (steps === undefined) return [];
      const { decode, detect, embed, match, whole } = steps;
      return [
        [
          label,
          labelOf(one),
          ...[decode, detect, embed, match, whole].map(ms),
          ms(one.batched[name]),
        ],
      ];
    }),
  );
  return table(
    ['photos', 'who', 'decode', 'detect', 'embed', 'match', 'whole', 'whole, 4 at once'],
    rows,
  );
}

/** Of labelled photos: every party by its own embeddings, since the galleries at hand are facenet's. */
function accuracyTable({ parties: all }: Results): string {
  return table(
    ['who', 'faces found', 'nearest other photo is of the same person', 'pairs in order', 'with'],
    all.flatMap((one) => {
      if (partyOf(one)?.photos !== true) return [];
      if (one.accuracy === undefined) {
        return one.skipped === undefined
          ? []
          : [[labelOf(one), '', '', '', `left out: ${one.skipped}`]];
      }
      const { photos, found, paired, nearestRight, ordered } = one.accuracy;
      return [
        [
          labelOf(one),
          `${found} of ${photos}`,
          `${nearestRight} of ${paired}`,
          ordered === undefined ? '' : `${(100 * ordered).toFixed(1)} %`,
          one.versions ?? '',
        ],
      ];
    }),
  );
}

function placesTable({ parties: all, worker, coldStart, disk, float16 }: Results): string {
  const rows = all.flatMap((one) =>
    one.memory === undefined
      ? []
      : [
          [
            labelOf(one),
            mb(one.memory.resident),
            mb(one.memory.proportional),
            mb(one.memory.private),
          ],
        ],
  );
  if (worker.memory !== undefined) {
    const { resident, proportional, private: own } = worker.memory;
    rows.push(['one worker, all its processes', mb(resident), mb(proportional), mb(own)]);
  }
  const facts = [
    ['cold start, `npm run recognize`', seconds(coldStart.own)],
    ['cold start, the Python script', seconds(coldStart.python)],
    ['from the start of a worker to ready', seconds(worker.readyMs)],
    ...Object.entries(disk).map(([file, bytes]) => [`on disk: ${file}`, mb(bytes)]),
    ...(float16.bytes === undefined
      ? []
      : [['on disk: all of it but the bfloat16 encoder, stored as float16', mb(float16.bytes)]]),
  ].filter(([, value]) => value !== '');
  return [
    table(['MB of', 'resident', 'proportional', 'private'], rows),
    ...(worker.skipped === undefined ? [] : [`The worker was not measured: ${worker.skipped}\n`]),
    ...(float16.skipped === undefined
      ? []
      : [`The set stored as float16 was not measured: ${float16.skipped}\n`]),
    table(['what', 'measured'], facts),
  ].join('\n');
}

function growthTables({ gallery, galleryNote, parties: all }: Results): string {
  const counts = [...new Set(all.flatMap(({ faces }) => Object.keys(faces).map(Number)))];
  return [
    table(
      [
        'people in the gallery',
        'they lie',
        'a known face, ms',
        'a stranger, ms',
        'once at the start, ms',
      ],
      gallery.map(({ people, spread, known, strangers, prepare }) => [
        people.toLocaleString('en'),
        spread === 'like-real' ? 'as real ones' : 'everywhere',
        fine(known),
        fine(strangers),
        prepare.toFixed(0),
      ]),
    ),
    ...(galleryNote === undefined ? [] : [`${galleryNote}\n`]),
    table(
      [
        'ms for a 1000x1000 photo with',
        ...counts.map((count) => `${count} face${count === 1 ? '' : 's'}`),
      ],
      all.flatMap((one) =>
        Object.keys(one.faces).length === 0
          ? []
          : [[labelOf(one), ...counts.map((count) => ms(one.faces[count]))]],
      ),
    ),
  ].join('\n');
}

function partyOf({ id }: PartyResult): Party | undefined {
  return parties.find((party) => party.id === id);
}

export function labelOf(result: PartyResult): string {
  return partyOf(result)?.label ?? result.id;
}

function divided(value: number | undefined, by: number): number | undefined {
  return value === undefined ? undefined : value / by;
}

export function ms(value: number | undefined): string {
  if (value === undefined) return '';
  return value.toFixed(value < 1 ? 2 : value < 100 ? 1 : 0);
}

function fine(value: number): string {
  return value < 100 ? value.toPrecision(2) : value.toFixed(0);
}

export function mb(bytes: number): string {
  return bytes < 1e7 ? (bytes / 1e6).toFixed(1) : (bytes / 1e6).toFixed(0);
}

export function seconds(value: number | undefined): string {
  return value === undefined ? '' : `${(value / 1000).toFixed(2)} s`;
}

/** A Markdown table; empty without rows. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return 'Not measured.\n';
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return `${[line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')}\n`;
}
