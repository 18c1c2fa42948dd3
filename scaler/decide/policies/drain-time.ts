/**
 * The smallest fleet that is expected to answer within the latency goal, by the measured service time,
 * arrival rate and boot time. It starts no instance that would be ready after the work is done, and releases
 * instances that the load no longer needs. The constants were tuned in the simulator (docs/reports/scaling.md).
 */
import { fleetOf, inWords, type Policy, type ScalingSettings, type Situation } from './policy.ts';

/** Seconds of the goal left for ticks, heartbeats and boots that take longer than the mean. */
const MARGIN = 3;
/** A boot does not pay for less than this many seconds of work after it. */
const WORTH_BOOTING = 5;
/** Share of the goal that arrivals ahead of an instance may use up before more are launched. */
const FULL = 0.7;
/** Seconds for which it pays to be without an instance. */
const WORTH_PAUSING = 10;
/** EC2 bills a minute at least; a drain takes up to two seconds of it. */
const PAID_SECONDS = 58;
/** Instances beyond the load, for each root of the load, when answers are to come within a second. */
const SPARE = 1.2;

export const drainTime: Policy = (situation, settings) => {
  const { known, certain } = situation.demand;
  if (known === undefined) {
    return { kind: 'hold', reason: 'pressure and queue are unreadable' };
  }
  const outlook = look(situation, settings);
  const have = fleetOf(situation);
  if (known > 0 && have === 0) return first(situation, settings, outlook);
  const more = wanted(situation, settings, outlook);
  // Past arrivals are no reason once all of them are answered.
  if (known > 0 && more.to > have) return { kind: 'grow', ...more };
  const enough = needed(situation, settings, outlook);
  if (enough >= have)
    return { kind: 'hold', reason: `${inWords(known)}: the fleet is large enough` };
  if (!certain) {
    return { kind: 'hold', reason: 'pressure or queue is unreadable: no scale-in' };
  }
  return {
    kind: 'shrink',
    to: enough,
    reason:
      known === 0
        ? 'the queue is empty'
        : `${inWords(known)}: ${enough} ${enough === 1 ? 'instance is' : 'instances are'} enough`,
    idleSeconds: 0,
    ...(isOver(situation, settings)
      ? {}
      : {
          keepSeconds: known === 0 ? 0 : settings.KEEP_SECONDS,
          young: { forSeconds: PAID_SECONDS, idleSeconds: settings.IDLE_SECONDS },
        }),
  };
};

/** Every instance is released after this time without an arrival, whatever is expected. */
function isOver({ emptySeconds }: Situation, { IDLE_SECONDS }: ScalingSettings): boolean {
  return emptySeconds !== undefined && emptySeconds >= IDLE_SECONDS;
}

/** What follows from a situation; all times in seconds. */
interface Outlook {
  /** Expected work of all requests, in seconds of one instance; one in work is half done. */
  readonly work: number;
  /** Instances that the arrivals keep busy. */
  readonly load: number;
  /** A boot takes longer than the goal: an instance that boots is late for the present requests. */
  readonly tight: boolean;
  /** Time that a new instance has for its work, once it is up. */
  readonly spell: number;
  /** Time within which the present work is to be done; longer than a boot. */
  readonly allowed: number;
}

function look(situation: Situation, { LATENCY_SECONDS: goal }: ScalingSettings): Outlook {
  const { visible, inFlight, serviceSeconds, bootSeconds: boot } = situation;
  const tight = goal < boot;
  const spell = Math.max(goal - boot, Math.min(goal, 10) / 2, serviceSeconds);
  return {
    work: (visible + inFlight / 2) * serviceSeconds,
    load: situation.freshArrivalsPerSecond * serviceSeconds,
    tight,
    spell,
    allowed: tight ? boot + spell : Math.max(goal - MARGIN, boot + WORTH_BOOTING),
  };
}

/** From an empty fleet: at once, or as late as one instance can still finish in time when SLACK_SHARE allows waiting. */
function first(
  { visible, inFlight, oldestSeconds, bootSeconds: boot }: Situation,
  { LATENCY_SECONDS: goal, SLACK_SHARE: late, MAX_INSTANCES }: ScalingSettings,
  { work, load, tight, spell }: Outlook,
): ReturnType<Policy> {
  const oldest = oldestSeconds ?? 0;
  const requests = inWords(visible + inFlight);
  // A request of unknown age may be late already.
  if (!tight && late > 0 && oldestSeconds !== undefined) {
    const longest = goal - boot - MARGIN - work - 1;
    if (oldest < late * longest) {
      return { kind: 'hold', reason: `${requests}; there is time to wait for more` };
    }
  }
  const left = Math.max(spell - oldest, tight ? spell : WORTH_BOOTING);
  // A third of an instance's work is spread over the others.
  const to = Math.min(MAX_INSTANCES, Math.max(1, Math.ceil(work / left - 0.3), Math.floor(load)));
  return {
    kind: 'grow',
    to,
    reason: `${requests} and no instance serves: ${expected(work, goal)}`,
  };
}

/** How many instances there should be at least; not more than there are while they meet the goal. */
function wanted(
  situation: Situation,
  { LATENCY_SECONDS: goal, MAX_INSTANCES }: ScalingSettings,
  { work, load, tight, spell, allowed }: Outlook,
): { to: number; reason: string } {
  const { visible, inFlight, serving, booting, bootSeconds: boot } = situation;
  const have = fleetOf(situation);
  const up = booting.map((age) => Math.max(1, boot - age));
  const done = up.reduce((sum, left) => sum + Math.max(0, allowed - left), serving * allowed);
  const requests = inWords(visible + inFlight);
  let to = have;
  let reason = `${requests}: ${expected(work, goal)}`;
  // Each additional instance works from its boot on; what is done before is not left for it.
  // With a long boot, requests that arrive meanwhile and can still be answered in time are added.
  const coming = tight ? load * Math.max(0, allowed - goal) : 0;
  if (work + coming > done) to = have + Math.ceil((work + coming - done) / (allowed - boot));
  // What will wait when a new instance is up, if arrivals go on.
  const ahead = work + Math.max(0, load - have) * boot;
  const full = ahead / Math.max(1, have) > (tight ? spell : FULL * goal);
  const forLoad = Math.ceil(load * (tight ? 1.1 : 1));
  if (load > have && full && forLoad > to) {
    to = forLoad;
    reason = `${requests} and more arrive than ${have} instances can answer`;
  }
  return { to: Math.min(MAX_INSTANCES, to), reason };
}

/** How many instances are enough from now on. */
function needed(
  situation: Situation,
  settings: ScalingSettings,
  { work, load, tight, spell }: Outlook,
): number {
  const { visible, inFlight, arrivalsPerSecond, bootSeconds: boot } = situation;
  const { LATENCY_SECONDS: goal, SLACK_SHARE: late } = settings;
  const none = visible + inFlight === 0;
  if (none && isOver(situation, settings)) return 0;
  if (none && load < 1) {
    // Until the next request, and as long as that one may wait.
    const pause = 1 / Math.max(arrivalsPerSecond, 1e-6) + Math.max(0, goal - boot - MARGIN) * late;
    return !tight && pause > WORTH_PAUSING ? 0 : 1;
  }
  const backlog = Math.ceil(work / Math.max(1, tight ? spell : goal / 2));
  const enough = Math.max(forLoad(), backlog);
  return none ? enough : Math.max(1, enough);

  function forLoad(): number {
    // Square-root staffing: beyond the load, a share of its random swing (Halfin and Whitt, 1981).
    if (tight) return Math.ceil(load + SPARE * Math.sqrt(load / Math.max(1, goal)));
    const part = load - Math.floor(load);
    const others = Math.max(1, load);
    // How long the queue may grow until the last, partly busy one must be back.
    const without = (FULL * goal * others - part * boot) / Math.max(part, 0.02);
    const pays = without > 2 * WORTH_PAUSING && work < 0.1 * goal;
    return pays ? Math.floor(load) : Math.ceil(load);
  }
}

function expected(work: number, goal: number): string {
  const seconds = work < 10 ? work.toFixed(1) : Math.round(work);
  return `${seconds} s of work, to be done within ${goal} s`;
}
