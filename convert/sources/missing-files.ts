/** The error for files that are nowhere: which they are, where they are published, where to put them. */
import { CheckpointError } from '../errors.ts';
import type { PublishedFile } from './published-files.ts';
import type { FetchPlaces } from './registry/package-files.ts';
import { describePackage } from './registry/packages.ts';

export interface Search {
  readonly missing: readonly PublishedFile[];
  /** Why each way to them failed. */
  readonly reasons: readonly string[];
  /** Folders. */
  readonly lookedInto: readonly string[];
  readonly places: FetchPlaces;
}

export class MissingFilesError extends CheckpointError {
  readonly search: Search;

  constructor(search: Search, options?: ErrorOptions) {
    super(byHand(search), options);
    this.search = search;
  }

  /** The same, with the reasons of a second way that failed too. */
  with(reasons: readonly string[]): MissingFilesError {
    const all = new Set([...this.search.reasons, ...reasons]);
    return new MissingFilesError({ ...this.search, reasons: [...all] }, { cause: this });
  }
}

function byHand({ missing, reasons, lookedInto, places: { cache, origin } }: Search): string {
  return [
    `Model data is missing. ${reasons.join('\n')}`,
    `It is not in ${lookedInto.join(', ')}. Check the network, or put these files by hand into ${cache}`,
    'or into a folder that FACE_CHECKPOINTS or --checkpoints names:',
    ...missing.map((file) => `  ${file.names[0]} from ${whereFrom(file, origin)}`),
  ].join('\n');
}

/** Its address, its package, or both. */
export function whereFrom({ address, packaged }: PublishedFile, origin: string): string {
  return [
    ...(address === undefined ? [] : [`${origin}/${address}`]),
    ...(packaged === undefined ? [] : [`${packaged.member} in ${describePackage(packaged.from)}`]),
  ].join(' or ');
}
