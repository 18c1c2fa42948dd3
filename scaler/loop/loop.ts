/**
 * The scaler's loop: observe, decide, act, about once a second while this scaler leads. It keeps
 * the memory and the last decisions; the policy is all in `decide`.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { FiguresStore } from '../../cloud/redis/measurements.ts';
import type { Logger } from '../../runtime/log.ts';
import { type DecisionSettings, decide } from '../decide/decide.ts';
import { type Guess, type Measures, resumeMeasures, startMeasures } from '../decide/measure.ts';
import { type Backoff, type Memory, startMemory } from '../decide/memory.ts';
import { applyOutcomes } from '../decide/outcomes.ts';
import { fleetOf } from '../decide/policies/policy.ts';
import {
  type LoopView,
  linesOf,
  type MadeDecision,
  type Role,
  refusals,
  Tally,
} from '../report/view.ts';
import { act } from './act.ts';
import type { Lead } from './lead.ts';
import { observe, type Sources } from './observe.ts';
import { Outages } from './outages.ts';

const TICK_MS = 1000;
/** How often a scaler that does not lead checks whether it leads. */
const STANDBY_MS = 100;
/** A burst's first request is seldom alone: how long the scaler waits for more before it looks. */
const GATHER_MS = 100;
/** How often what was measured is kept for the next leader. */
const SAVE_MS = 10_000;
/** Decisions that changed something, kept for the status page. */
const KEPT_DECISIONS = 50;

export interface ScalerParts extends Sources {
  readonly projectId: string;
  readonly settings: DecisionSettings;
  readonly lead: Lead;
  readonly log: Logger;
  /** Where measurements outlive this scaler's lead; nowhere when left out. */
  readonly figures?: FiguresStore;
  /** Until anything is measured. */
  readonly guess?: Guess;
  /** Called after each look, before the actions are carried out. */
  readonly onLook?: (view: LoopView) => void;
  readonly tickMs?: number;
  /** ms since 1970; must not be set back or on. */
  readonly now?: () => number;
  /** From 0 to 1. */
  readonly random?: () => number;
}

export interface ScalerLoop {
  view(): LoopView;
  /** The last decisions that changed something, oldest first. */
  readonly decisions: readonly MadeDecision[];
  /**
   * A request came: if the fleet is empty, the scaler looks soon, and not only at the next tick.
   * @returns whether the fleet is empty
   */
  wake(): boolean;
  /** Ends the tick under way and gives up the lead. Instances stay. */
  stop(): Promise<void>;
}

export function startLoop(parts: ScalerParts): ScalerLoop {
  const { lead, log, settings, tickMs = TICK_MS, now = steadyNow } = parts;
  const outages = new Outages(log);
  const decisions: MadeDecision[] = [];
  const tally = new Tally();
  let seen: LoopView['seen'];
  const stopping = new AbortController();
  let rest = new AbortController();
  /** At the last look no instance served or booted, and nothing was to be done. */
  let atZero = false;
  let memory: Memory = startMemory(newSeed());
  let loggedBackoff: Backoff | undefined;
  let term = 0;
  let savedAt = 0;

  const view = (): LoopView => ({
    role: lead.role,
    hasRival: lead.hasRival === true,
    now: now(),
    seen,
    closures: memory.closures,
    backoff: memory.backoff,
    tally,
    decisions,
  });
  const tick = async (): Promise<void> => {
    const { role } = lead;
    if (isAside(role)) {
      seen = undefined;
      atZero = false;
      return;
    }
    if (lead.term !== term) {
      const seen = lead.term;
      memory = startMemory(newSeed(), await inherited(parts));
      savedAt = now();
      term = seen;
    }
    const observation = await observe(parts, { now: now(), redis: role === 'leader', outages });
    const decision = decide(observation, settings, memory);
    // The readings may have taken long: another scaler may lead now, and has seen the same.
    if (lead.role !== role || lead.term !== term) return;
    memory = decision.memory;
    if (role === 'leader' && now() - savedAt >= SAVE_MS) {
      savedAt = now();
      await save(parts, memory.measures);
    }
    const { actions, reasons, situation } = decision;
    seen = { observation, situation, reasons };
    atZero = actions.length === 0 && situation !== undefined && fleetOf(situation) === 0;
    parts.onLook?.(view());
    logBackoff(loggedBackoff, memory.backoff, log);
    loggedBackoff = memory.backoff;
    if (actions.length === 0) return log.debug({ reasons }, 'Nothing to do');
    for (const { what, reason } of linesOf(actions))
      log.info({ role, reasons }, `${what}: ${reason}`);
    const mayLaunch = () => lead.role === role && lead.term === term;
    const outcomes = await act(actions, { ...parts, mayLaunch });
    tally.count(actions, outcomes);
    decisions.push({
      at: observation.now,
      actions,
      reasons,
      situation,
      refusals: refusals(outcomes),
    });
    if (decisions.length > KEPT_DECISIONS) decisions.shift();
    memory = applyOutcomes(memory, outcomes, now(), parts.random ?? Math.random);
    logBackoff(loggedBackoff, memory.backoff, log);
    loggedBackoff = memory.backoff;
  };
  const loop = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      const start = performance.now();
      rest = new AbortController();
      try {
        await tick();
      } catch (err) {
        log.error({ err }, 'A tick failed; the next one follows');
      }
      const every = isAside(lead.role) ? Math.min(STANDBY_MS, tickMs) : tickMs;
      await pause(Math.max(0, every - (performance.now() - start)), rest.signal);
      if (rest.signal.aborted) await pause(Math.min(GATHER_MS, tickMs), stopping.signal);
    }
  };
  const ended = loop();
  return {
    decisions,
    view,
    wake() {
      if (atZero) rest.abort();
      return atZero;
    },
    async stop() {
      stopping.abort();
      rest.abort();
      await ended;
      if (lead.role === 'leader') await save(parts, memory.measures);
      // The next leader must see what was launched: until EC2 lists it, the lock is kept until it expires.
      await lead.stop(memory.launches.every(({ seenAt }) => seenAt !== undefined));
    },
  };
}

function logBackoff(before: Backoff | undefined, backoff: Backoff | undefined, log: Logger): void {
  if (before !== undefined && backoff === undefined) {
    log.info('Launching normally again: a launched instance has reported, or the failures are old');
  }
  if (backoff === undefined || backoff.failures === before?.failures) return;
  log.warn(
    { deaths: backoff.deaths, code: backoff.code, until: new Date(backoff.until) },
    'Launched instances end before they report: launching one at a time until one reports',
  );
}

/** Whether it neither leads nor goes on alone. */
function isAside(role: Role): role is 'standby' | 'waiting' {
  return role === 'standby' || role === 'waiting';
}

/** This process's start plus the time since: setting the machine's clock changes no ages. */
function steadyNow(): number {
  return performance.timeOrigin + performance.now();
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return delay(ms, undefined, { signal }).catch(() => {});
}

/** What the last leader measured; guesses when there is none or Redis cannot be read. */
async function inherited({ figures, guess, log }: ScalerParts): Promise<Measures> {
  try {
    const reading = await figures?.read();
    if (reading) return resumeMeasures(reading);
  } catch (err) {
    log.warn({ err }, 'Cannot read the last leader’s measurements; starting with guesses');
  }
  return startMeasures(guess);
}

async function save({ figures, log }: ScalerParts, measures: Measures): Promise<void> {
  try {
    await figures?.save(measures);
  } catch (err) {
    log.warn({ err }, 'Cannot save the measurements');
  }
}

/** Makes ClientTokens of different scalers, and of one scaler's different times, differ. */
function newSeed(): string {
  return randomBytes(4).toString('hex');
}
