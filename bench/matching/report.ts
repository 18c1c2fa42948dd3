/** What the bench of matching measures, and the table of it. */
import type { Spread } from '../inference/party/made-people.ts';

const MEGABYTE = 1e6;

/** What a reader is asked for. */
export interface ReaderTask {
  readonly url: string;
  readonly bucket: string;
  /** Where it keeps what it downloads. */
  readonly folder: string;
  readonly headFile: string;
  readonly bound: number;
}

export interface Loaded {
  readonly downloadMs: number;
  readonly openMs: number;
}

export interface Searched {
  readonly names: readonly string[];
  readonly nearestMs: number;
  readonly settledMs: number;
}

export interface MatchingRow {
  readonly spread: Spread;
  readonly faces: number;
  readonly people: number;
  readonly first: Loaded;
  /** Of another process of the machine, with what the first one left on the disk. */
  readonly second: Loaded;
  /** Of both together, as far as /proc tells it. */
  readonly memoryBytes: number | undefined;
  readonly known: Times;
  readonly strangers: Times;
  readonly wrong: number;
  readonly compared: number;
  readonly faiss: Faiss | string;
}

/** Medians, and the shortest: on a machine with other work, a median is mostly that work's. */
export interface Times {
  readonly nearestMs: number;
  readonly bothMs: number;
  readonly shortestNearestMs: number;
  readonly shortestBothMs: number;
}

export interface Faiss {
  readonly version: string;
  readonly knownMs: number;
  readonly strangersMs: number;
  /** Of all faces. */
  readonly shortestMs: number;
  /** Faces whose nearest person is another one than here. */
  readonly otherwise: number;
  readonly queries: number;
}

/** Markdown. */
export function matchingTable(rows: readonly MatchingRow[]): string {
  const seconds = ({ downloadMs, openMs }: Loaded): string =>
    `${((downloadMs + openMs) / 1000).toFixed(1)} (${(downloadMs / 1000).toFixed(1)} + ${(openMs / 1000).toFixed(1)})`;
  const ms = (one: Times): string =>
    `${one.nearestMs.toFixed(1)} / ${one.bothMs.toFixed(1)} (shortest ${one.shortestNearestMs.toFixed(1)} / ${one.shortestBothMs.toFixed(1)})`;
  const column = (title: string, of: (row: MatchingRow) => string): string =>
    `| ${[title, ...rows.map(of)].join(' | ')} |`;
  return [
    column('', ({ spread, faces, people }) => `${faces} faces of ${people} people, ${spread}`),
    column('---', () => '---'),
    column('loading, first process: download + open, s', ({ first }) => seconds(first)),
    column('loading, second process, s', ({ second }) => seconds(second)),
    column('memory of both processes together, MB', ({ memoryBytes }) =>
      memoryBytes === undefined ? 'unknown' : (memoryBytes / MEGABYTE).toFixed(0),
    ),
    column('known face: nearest three / and whether settled, ms', ({ known }) => ms(known)),
    column('stranger: the same, ms', ({ strangers }) => ms(strangers)),
    column('answers unlike a plain comparison', ({ wrong, compared }) => `${wrong} of ${compared}`),
    column('faiss IndexFlatL2, nearest three: known / stranger, ms', ({ faiss }) =>
      typeof faiss === 'string'
        ? faiss
        : `${faiss.knownMs.toFixed(1)} / ${faiss.strangersMs.toFixed(1)} (shortest ${faiss.shortestMs.toFixed(1)}; ${faiss.version})`,
    ),
    column('nearest person unlike faiss’s', ({ faiss }) =>
      typeof faiss === 'string' ? '' : `${faiss.otherwise} of ${faiss.queries}`,
    ),
  ].join('\n');
}
