/** The grader's judgement: observations in, passed or failed sentences out. Pure. */

import type { QueueDepth } from '../../cloud/aws/sqs/queues.ts';
import { instanceName, WEB_INSTANCE_NAME } from '../../cloud/contract/names.ts';
import { contractStem } from '../photos.ts';
import { formatMs } from '../report.ts';
import type { RunSummary } from '../tally.ts';
import {
  fleetSize,
  type GradedNames,
  messagesIn,
  type Observation,
  type States,
} from './observe.ts';

export interface Check {
  readonly name: string;
  readonly passed: boolean;
  readonly sentence: string;
}

/** Numbers that a person asks for on top of what always must hold. */
export interface Expectations {
  readonly objects?: number | undefined;
  readonly fleet?: number | undefined;
}

/** What must hold whenever the system is at rest: the three checks of the course's grader. */
export function checkState(
  seen: Observation,
  names: GradedNames,
  expected: Expectations = {},
): Check[] {
  return [
    checkWeb(seen.web),
    checkApp(seen.app, expected.fleet),
    checkBucket('in-bucket', names.inBucket, seen.inKeys, expected.objects),
    checkBucket('out-bucket', names.outBucket, seen.outKeys, expected.objects),
    checkQueue('request queue', names.requestQueue, seen.requests),
    checkQueue('response queue', names.replyQueue, seen.replies),
  ];
}

function checkWeb(web: States): Check {
  const running = web.running ?? 0;
  const sentence =
    running > 0
      ? `${running} instance(s) named ${WEB_INSTANCE_NAME} running`
      : `no instance named ${WEB_INSTANCE_NAME} is running (found: ${describeStates(web)})`;
  return { name: 'web tier', passed: running > 0, sentence };
}

function checkApp(app: States, fleet: number | undefined): Check {
  const passed = fleet === undefined || fleetSize(app) === fleet;
  const wanted = passed ? '' : `, where ${fleet} were expected`;
  return { name: 'app tier', passed, sentence: `${describeFleet(app)}${wanted}` };
}

function checkBucket(
  name: string,
  bucket: string,
  keys: readonly string[] | undefined,
  objects: number | undefined,
): Check {
  if (keys === undefined) return { name, passed: false, sentence: `${bucket} does not exist` };
  const passed = objects === undefined || keys.length === objects;
  const wanted = passed ? '' : `, where ${objects} were expected`;
  return { name, passed, sentence: `${bucket} holds ${keys.length} object(s)${wanted}` };
}

function checkQueue(name: string, queue: string, depth: QueueDepth | undefined): Check {
  if (depth === undefined) return { name, passed: false, sentence: `${queue} does not exist` };
  const passed = messagesIn(depth) === 0;
  const sentence = passed
    ? `${queue} is empty`
    : `${queue} is not empty: ${depth.visible} visible, ${depth.inFlight} in flight, ${depth.delayed} delayed`;
  return { name, passed, sentence };
}

/** A run that was watched from before its first request until the fleet was gone, or the limit. */
export interface FlowRecord {
  readonly before: Observation;
  readonly after: Observation;
  /** Most instances seen running, and most seen running or pending, at one time. */
  readonly peakRunning: number;
  readonly peakFleet: number;
  readonly summary: RunSummary;
  /** Names of the files posted. */
  readonly files: readonly string[];
  /** From the last answer until fleet and queues were seen empty; undefined when they never were. */
  readonly restedAfterMs: number | undefined;
}

export interface FlowLimits {
  readonly maxInstances: number;
  readonly settleSeconds: number;
}

/** 0 → peak → 0, every answer right, one object a file in each bucket. */
export function checkFlow(flow: FlowRecord, limits: FlowLimits): Check[] {
  const { before, after, peakRunning, peakFleet, summary, files, restedAfterMs } = flow;
  return [
    {
      name: 'starts at zero',
      passed: fleetSize(before.app) === 0,
      sentence: `before the first request: ${describeFleet(before.app)}`,
    },
    {
      name: 'scales out',
      passed: peakRunning > 0,
      sentence:
        peakRunning > 0
          ? `up to ${peakRunning} ${instanceName(0).replace('0', '#')} running at once`
          : 'no app-tier instance was ever seen running',
    },
    {
      name: 'stays in bounds',
      passed: peakFleet <= limits.maxInstances,
      sentence: `at most ${peakFleet} running or pending; ${limits.maxInstances} are allowed`,
    },
    {
      name: 'answers',
      passed: summary.passed,
      sentence: describeAnswers(summary),
    },
    {
      name: 'scales in',
      passed: restedAfterMs !== undefined,
      sentence:
        restedAfterMs === undefined
          ? `${limits.settleSeconds} s after the last answer still ${describeFleet(after.app)}`
          : `no instance and no message left ${formatMs(restedAfterMs)} after the last answer`,
    },
    checkObjects('photos kept', files, before.inKeys, after.inKeys),
    checkObjects('results kept', files.map(contractStem), before.outKeys, after.outKeys),
  ];
}

/** Every expected key is there, and no key came that belongs to no file. */
function checkObjects(
  name: string,
  expected: readonly string[],
  before: readonly string[] = [],
  after: readonly string[] | undefined,
): Check {
  if (after === undefined) return { name, passed: false, sentence: 'the bucket does not exist' };
  const wanted = new Set(expected);
  const known = new Set(before);
  const present = new Set(after);
  const missing = [...wanted].filter((key) => !present.has(key));
  const strangers = after.filter((key) => !wanted.has(key) && !known.has(key));
  const faults = [
    ...(missing.length > 0 ? [`${missing.length} missing (${firstOf(missing)})`] : []),
    ...(strangers.length > 0 ? [`${strangers.length} of no file (${firstOf(strangers)})`] : []),
  ];
  return faults.length === 0
    ? { name, passed: true, sentence: `one object for each of ${wanted.size} file(s)` }
    : { name, passed: false, sentence: `of ${wanted.size} objects: ${faults.join('; ')}` };
}

function firstOf(keys: readonly string[]): string {
  return keys.slice(0, 3).join(', ') + (keys.length > 3 ? ', …' : '');
}

function describeAnswers({ requests, successful, failed, correct, wrong }: RunSummary): string {
  const judged = correct === null ? 'names not judged' : `${correct} right`;
  return `${successful} of ${requests} answered, ${judged}, ${wrong} wrong, ${failed} failed`;
}

function describeFleet({ running = 0, pending = 0 }: States): string {
  return `${running} running, ${pending} pending`;
}

function describeStates(states: States): string {
  const words = Object.entries(states).map(([state, count]) => `${count} ${state}`);
  return words.length === 0 ? 'none' : words.join(', ');
}
