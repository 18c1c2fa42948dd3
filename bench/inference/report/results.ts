/**
 * The results of one run of `bench inference` as plain data, which is printed, drawn and written as JSON; and
 * the medians and ratios in it. Pure.
 */

import type { Memory } from '../../processes.ts';
import type { Machine } from '../machine.ts';
import type { Spread } from '../party/made-people.ts';
import type { PartyId } from '../party-program.ts';
import type { SetName } from '../photos.ts';

/** Medians in ms. */
export interface Steps {
  readonly decode: number;
  readonly detect: number;
  readonly embed: number;
  readonly match: number;
  readonly whole: number;
}

export interface Accuracy {
  readonly photos: number;
  /** Photos in which a face was found. */
  readonly found: number;
  /** Photos whose person has another photo, and those of them whose nearest other photo shows that person. */
  readonly paired: number;
  readonly nearestRight: number;
  /**
   * Share of comparisons between a pair of photos of one person and a pair of two people in which the former are
   * nearer to each other: 1 where a threshold separates them all, 0.5 by chance. Undefined without such pairs.
   */
  readonly ordered?: number | undefined;
}

export interface PartyResult {
  readonly id: PartyId;
  readonly versions?: string;
  /** Why it was left out, or failed. */
  readonly skipped?: string;
  /** ms per call, by the number of faces in it */
  encoder: Record<number, number>;
  /** Distance of the first face's embedding from facenet-pytorch's, or else from this project's float32. */
  distance?: number;
  photos: Partial<Record<SetName, Steps>>;
  /** ms per photo in batches */
  batched: Partial<Record<SetName, number>>;
  /** ms for one photo with this many faces, all embedded */
  faces: Record<number, number>;
  /** On photos whose people are known. */
  accuracy?: Accuracy;
  /** Maximum during the run. */
  memory?: Memory;
}

export interface Names {
  readonly photos: number;
  readonly same: number;
  /** Number of photos whose face was embedded again in float32. */
  readonly twice: number;
  readonly different: readonly string[];
}

export interface Throughput {
  readonly label: string;
  readonly party: PartyId;
  readonly processes: number;
  readonly threads: number;
  /** photos per second, median */
  readonly photos: number;
}

/** Exact matching of one face, ms, medians. */
export interface GalleryCost {
  readonly people: number;
  readonly spread: Spread;
  /** Once, when the gallery is loaded. */
  readonly prepare: number;
  readonly known: number;
  readonly strangers: number;
}

export interface Results {
  readonly date: string;
  readonly machine: Machine;
  readonly threads: number;
  readonly quick: boolean;
  readonly sets: readonly { name: SetName; label: string; photos: number }[];
  parties: PartyResult[];
  names?: Names;
  /** ms */
  coldStart: { own?: number; python?: number };
  worker: { memory?: Memory; readyMs?: number; skipped?: string };
  /** bytes by file of the model folder */
  disk: Record<string, number>;
  /** The model with float16 weights: size of what float32 needs, and the maximum change of a distance. */
  float16: { bytes?: number; distance?: number; skipped?: string };
  throughput: Throughput[];
  gallery: GalleryCost[];
  galleryNote?: string;
}

/** The middle value, or the mean of the two middle ones. @throws {RangeError} without values */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('Nothing was measured.');
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** `value` as a share of `of`; undefined if either was not measured. */
export function ratio(value: number | undefined, of: number | undefined): number | undefined {
  return value === undefined || of === undefined || of <= 0 ? undefined : value / of;
}

/** Euclidean. */
export function distanceOf(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let at = 0; at < a.length; at++) sum += (a[at]! - b[at]!) ** 2;
  return Math.sqrt(sum);
}
