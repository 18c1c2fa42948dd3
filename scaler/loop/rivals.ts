/**
 * Keeps scalers that share no Redis from leading one project at the same time: the first group claims it in
 * AWS and renews the claim, a later one stands by until that has not changed for a while. Wraps the lead
 * among the scalers of one Redis. Knows no instances.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Claim, ProjectClaim } from '../../cloud/aws/project-claim.ts';
import { messageOf } from '../../runtime/errors.ts';
import type { Logger } from '../../runtime/log.ts';
import type { Lead } from './lead.ts';
import { withTimeout } from './outages.ts';

const CALL_MS = 5000;
/** How often a scaler checks whether it leads in its own Redis. */
const LOOK_MS = 50;

export interface RivalParts {
  readonly lead: Lead;
  readonly claim: ProjectClaim;
  /** The id that the scalers of this Redis share; kept there, and rewritten when Redis has lost it. */
  readonly group: (known: string | undefined) => Promise<string>;
  readonly log: Logger;
  /** How often the claim is renewed, and after how long without a renewal it is free. */
  readonly beatMs: number;
  readonly goneMs: number;
  /** A monotonic clock in ms. */
  readonly now?: () => number;
}

export function leadAlone(parts: RivalParts): Lead {
  const { lead, claim, log, beatMs, goneMs, now = () => performance.now() } = parts;
  const stopping = new AbortController();
  let state: 'unknown' | 'ours' | 'theirs' = 'unknown';
  let group: string | undefined;
  let mine: Claim | undefined;
  let taken = 0;
  /** The last claim of others, and when it was first seen as it is. */
  let theirs: { readonly claim: Claim; readonly at: number } | undefined;
  let isReadable = true;

  const take = async (): Promise<void> => {
    mine = { group: group!, since: mine?.since ?? Date.now(), beat: (mine?.beat ?? 0) + 1 };
    await withTimeout(CALL_MS, claim.write(mine));
    if (state === 'ours') return;
    if (state === 'theirs')
      log.info('No other scaler renews its claim; this one leads the project');
    state = 'ours';
    taken += 1;
  };
  const yieldTo = (other: Claim): void => {
    const before = theirs?.claim;
    if (before?.group !== other.group || before.beat !== other.beat) {
      theirs = { claim: other, at: now() };
    }
    if (state === 'theirs') return;
    state = 'theirs';
    log.warn(
      { group: other.group },
      'A scaler with another Redis leads this project; standing by until it is gone',
    );
  };
  const look = async (): Promise<void> => {
    group = await parts.group(group).catch((error: unknown) => {
      if (group !== undefined) return group; // Redis is away; the claim holds without it.
      throw error;
    });
    const found = await withTimeout(CALL_MS, claim.read());
    isReadable = true;
    if (found === undefined || found.group === group) return take();
    const isLater =
      state === 'ours' && mine !== undefined
        ? found.since < mine.since || (found.since === mine.since && found.group < mine.group)
        : true;
    if (!isLater) return take();
    yieldTo(found);
    if (theirs !== undefined && now() - theirs.at >= goneMs) {
      mine = undefined;
      await take();
    }
  };
  const keep = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      const { role } = lead;
      // Another scaler of this Redis keeps the claim of its group.
      if (role === 'standby') state = 'unknown';
      const leads = role === 'leader' || role === 'alone';
      if (leads) {
        await look().catch((err: unknown) => {
          if (isReadable) {
            log.warn(
              { reason: messageOf(err) },
              'Cannot check whether a scaler with another Redis leads this project; continuing',
            );
          }
          isReadable = false;
          if (state === 'unknown') taken += 1;
          if (state === 'unknown') state = 'ours';
        });
      }
      const waits = leads ? beatMs : LOOK_MS;
      await delay(waits, undefined, { signal: stopping.signal }).catch(() => {});
    }
  };
  const kept = keep();
  return {
    get role() {
      const { role } = lead;
      if ((role !== 'leader' && role !== 'alone') || state === 'ours') return role;
      return state === 'theirs' ? 'standby' : 'waiting';
    },
    get term() {
      return lead.term + taken;
    },
    get hasRival() {
      return state === 'theirs';
    },
    async stop(resign) {
      stopping.abort();
      await kept;
      if (resign && state === 'ours' && mine !== undefined) {
        await withTimeout(CALL_MS, claim.clear()).catch((err: unknown) => {
          log.warn({ err }, 'Cannot give up the claim; it expires by itself');
        });
      }
      await lead.stop(resign);
    },
  };
}
