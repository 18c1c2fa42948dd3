/** The results of one run of the compact encoder, and its report in Markdown. Pure. */
import type { Machine } from '../machine.ts';
import type { PartyId } from '../party-program.ts';
import { type SetName, SMALL } from '../photos.ts';
import { machineWords, mb, ms, seconds, table } from '../report/report.ts';
import { type PartyResult, type Results, ratio } from '../report/results.ts';
import { type Figure, judged, megabytes } from '../report/targets.ts';
import { compactParties } from './parties.ts';

/** One photo by each party that could read it. */
export interface PhotoFigures {
  readonly set: SetName;
  /** The photo's file name. */
  readonly photo: string;
  /** Number of faces found and embedded. */
  readonly faces: Readonly<Partial<Record<PartyId, number>>>;
  /** ms, median */
  readonly whole: Readonly<Partial<Record<PartyId, number>>>;
}

export interface CompactResults {
  readonly date: string;
  readonly machine: Machine;
  readonly threads: number;
  readonly quick: boolean;
  readonly sets: Results['sets'];
  parties: PartyResult[];
  photos: PhotoFigures[];
  /** One worker with the compact model. */
  worker: Results['worker'];
  /** bytes by file of the compact model's folder */
  disk: Results['disk'];
}

const PEERS = ['face-api-ssd', 'face-api-tiny', 'face-recognition'] as const;

export function compactReport(results: CompactResults): string {
  return [
    machineWords(results),
    table(
      ['figure', 'asked', 'measured', ''],
      compactFigures(results).map(({ figure, asked, measured, verdict }) => [
        figure,
        asked,
        measured,
        verdict,
      ]),
    ),
    'Whole photos in which every face is embedded, ms a photo:\n',
    timesTable(results),
    'Faces found and embedded, and ms, photo by photo:\n',
    facesTable(results),
    placesTable(results),
  ].join('\n');
}

/** The compact encoder's targets beside the measured values. */
export function compactFigures(results: CompactResults): Figure[] {
  const judge = (...given: [figure: string, measured: Parameters<typeof judged>[1]]): Figure =>
    judged(...given, results);
  const of = (id: PartyId) => results.parties.find((one) => one.id === id);
  const course = (id: PartyId) => of(id)?.photos.course?.whole;
  const onDisk = Object.values(results.disk).reduce((sum, bytes) => sum + bytes, 0);
  return [
    judge('compact, whole 64x64 photo, against facenet float32', {
      value: ratio(course('own-compact'), course('own-float32')),
      limit: 0.25,
    }),
    ...PEERS.flatMap((peer) => {
      const whole = `compact, whole ${SMALL}x${SMALL} photo, against ${labelOf(peer)}`;
      const both = smallPhotosOf(results, peer);
      const alike = both.filter(({ faces }) => faces['own-compact'] === faces[peer]);
      const fewer = both.filter(({ faces }) => faces['own-compact']! < faces[peer]!);
      return [
        judge(`${whole}, where both find as many faces`, {
          value: ratioOfWhole(alike, peer),
          limit: 0.25,
        }),
        judge(`${whole}, all photos`, { value: ratioOfWhole(both, peer), limit: 0.25 }),
        judge(`photos in which compact finds fewer faces than ${labelOf(peer)}`, {
          value: both.length === 0 ? undefined : fewer.length,
          limit: 0,
          format: (count) => `${count} of ${both.length}`,
        }),
      ];
    }),
    judge('one worker on compact at work, all its processes, resident', {
      value: results.worker.memory?.resident,
      limit: 450e6,
      format: megabytes,
    }),
    judge('compact model on disk', { value: onDisk || undefined, limit: 10e6, format: megabytes }),
  ];
}

/** The photos of 250x250 that both the compact encoder and the peer were measured with. */
function smallPhotosOf({ photos }: CompactResults, peer: PartyId): PhotoFigures[] {
  return photos.filter(
    ({ set, whole }) =>
      set !== 'course' && whole['own-compact'] !== undefined && whole[peer] !== undefined,
  );
}

function ratioOfWhole(photos: readonly PhotoFigures[], peer: PartyId): number | undefined {
  if (photos.length === 0) return undefined;
  const sum = (id: PartyId) => photos.reduce((all, { whole }) => all + whole[id]!, 0);
  return ratio(sum('own-compact'), sum(peer));
}

function timesTable({ sets, parties }: CompactResults): string {
  const rows = sets.flatMap(({ name, label }) =>
    parties.flatMap((one) => {
      const steps = one.photos[name];
      if (steps === undefined) return [];
      const { decode, detect, embed, match, whole } = steps;
      return [[label, labelOf(one.id), ...[decode, detect, embed, match, whole].map(ms)]];
    }),
  );
  const leftOut = parties.filter(({ skipped }) => skipped !== undefined);
  return [
    table(['photos', 'who', 'decode', 'detect', 'embed', 'match', 'whole'], rows),
    ...leftOut.map((one) => `${labelOf(one.id)} was left out: ${one.skipped}\n`),
  ].join('\n');
}

function facesTable({ photos, parties }: CompactResults): string {
  const measured = parties.filter(({ id }) => photos.some(({ whole }) => whole[id] !== undefined));
  const small = photos.filter(({ set }) => set !== 'course');
  const cell = ({ faces, whole }: PhotoFigures, id: PartyId): string =>
    whole[id] === undefined ? '' : `${faces[id]} in ${ms(whole[id])}`;
  return table(
    ['photo', ...measured.map(({ id }) => labelOf(id))],
    small.map((one) => [one.photo, ...measured.map(({ id }) => cell(one, id))]),
  );
}

function placesTable({ parties, worker, disk }: CompactResults): string {
  const memory = (one: Pick<PartyResult, 'memory'>): string[] =>
    one.memory === undefined
      ? ['', '', '']
      : [one.memory.resident, one.memory.proportional, one.memory.private].map(mb);
  const rows = parties
    .filter((one) => one.memory !== undefined)
    .map((one) => [labelOf(one.id), ...memory(one), one.versions ?? '']);
  if (worker.memory !== undefined) {
    rows.push(['one worker on compact, all its processes', ...memory(worker), '']);
  }
  const onDisk = Object.entries(disk).map(([file, bytes]) => [`on disk: ${file}`, mb(bytes)]);
  return [
    table(['MB of', 'resident', 'proportional', 'private', 'with'], rows),
    ...(worker.skipped === undefined ? [] : [`The worker was not measured: ${worker.skipped}\n`]),
    ...(worker.readyMs === undefined
      ? []
      : [`From the start of a worker to ready: ${seconds(worker.readyMs)}.\n`]),
    ...(onDisk.length === 0 ? [] : [table(['what', 'MB'], onDisk)]),
  ].join('\n');
}

function labelOf(id: PartyId): string {
  return compactParties.find((party) => party.id === id)?.label ?? id;
}
