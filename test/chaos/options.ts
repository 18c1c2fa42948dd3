/** What a chaos run is asked for, and what it reports. Types only. */
import type { FaultRun } from './faults/inject.ts';
import type { Cost } from './fleet-cost.ts';
import type { Verdict } from './judge.ts';
import type { Photo } from './load.ts';
import type { PeopleCounts } from './people/people-load.ts';
import type { Recoveries } from './recovery.ts';

export interface ChaosOptions {
  readonly requests: number;
  readonly seed: number;
  readonly minutes: number;
  /** In storms, on average. */
  readonly faultsPerMinute: number;
  /** On average. */
  readonly faultsPerStorm?: number;
  readonly clients: number;
  /** Of the capacity, what honest clients ask for. */
  readonly share: number;
  /** How long the capacity is measured, and then the time without faults. */
  readonly leadSeconds: number;
  /** Without a fault after each storm and each single fault, so that recovery is seen; 0 is one long storm. */
  readonly quietSeconds: number;
  /** Of the longest single fault. */
  readonly longestSeconds: number;
  readonly photo: (number: number) => Photo | Promise<Photo>;
  /** Whether people are changed meanwhile, and whether workers can search for them. */
  readonly people?: { readonly searches: boolean } | undefined;
  /** Over those that a run needs. */
  readonly settings: Record<string, unknown>;
  readonly program?: readonly string[] | undefined;
  readonly signal: AbortSignal;
  /** One line of the event log. */
  readonly say: (line: string) => void;
}

export interface ChaosReport extends Verdict, Pick<FaultRun, 'faults' | 'missed'> {
  /** Answers a second without faults. */
  readonly capacity: number;
  readonly recoveries: Recoveries;
  readonly cost: Cost;
  /** Undefined where nobody was changed. */
  readonly people: PeopleCounts | undefined;
  readonly callsHit: number;
  /** Without one there are no faults that need it. */
  readonly hasRedisServer: boolean;
  /** Uploads of honest clients, and of bursts. */
  readonly sent: number;
  readonly sentInBursts: number;
  /** Lives that ended, by service and how. */
  readonly ends: Readonly<Record<string, number>>;
  readonly seconds: number;
  /** Where the logs are kept after a breach. */
  readonly folder: string | undefined;
}
