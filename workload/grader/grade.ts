/** What the grader command does: empties on demand, looks, or runs and watches, judges, and prints. */

import { setTimeout as sleep } from 'node:timers/promises';
import { styleText } from 'node:util';
import type { AwsClients } from '../../cloud/aws/clients.ts';
import { emptyBucket } from '../../cloud/aws/inspection.ts';
import { openQueue } from '../../cloud/aws/sqs/queues.ts';
import { cloudNames } from '../../cloud/contract/names.ts';
import { createEc2Clients, type Ec2Clients } from '../../cloud/ec2/client.ts';
import { SettingsError } from '../../runtime/errors.ts';
import { abortOnSignals, EXIT } from '../../runtime/process/exit.ts';
import { readSettings, type Settings } from '../../runtime/settings.ts';
import { WorkloadError } from '../errors.ts';
import { createPoster } from '../post.ts';
import { formatSummary, showProgress } from '../report.ts';
import { prepareRun } from '../run.ts';
import type { RunSummary } from '../tally.ts';
import { type Check, checkFlow, checkState, type FlowLimits } from './checks.ts';
import { runFlow, tableHead, tableRow, watch } from './flow.ts';
import { type GradedNames, messagesIn, type Observe, openObserver } from './observe.ts';
import type { GraderFlags } from './options.ts';

interface Graded {
  readonly checks: readonly Check[];
  readonly workload?: RunSummary;
}

/**
 * Does what the flags ask for, and resolves with the exit code.
 * @throws {ElasticFaceError} when a flag is wrong, or the cloud or the web tier cannot be asked.
 */
export async function grade(flags: GraderFlags): Promise<number> {
  requireNumbers(flags);
  const settings = readSettings({
    PROJECT_ID: flags.id,
    AWS_ENDPOINT_URL: flags.endpoint_url,
    AWS_REGION: flags.region,
    MAX_INSTANCES: flags.max_instances,
  });
  if (flags.empty && settings.AWS_ENDPOINT_URL === undefined && !flags.yes) {
    throw new SettingsError(
      '--empty without an endpoint would delete objects and messages on AWS itself. Add --endpoint_url, or --yes to confirm.',
    );
  }
  const clients = createEc2Clients(settings, credentialsOf(flags));
  const names = namesOf(settings, flags);
  const observe = openObserver(clients, names);
  const signal = abortOnSignals();
  // With --json standard output holds that one object and nothing else.
  const say = flags.json ? console.error : console.log;
  try {
    if (flags.empty) await emptyFirst(clients, names, observe, say);
    if (!wantsRun(flags) && flags.watch) {
      await printTable(observe, flags.interval * 1000, signal, say);
      return 0;
    }
    const limits = { maxInstances: settings.MAX_INSTANCES, settleSeconds: flags.settle_seconds };
    const graded = wantsRun(flags)
      ? await gradeRun(observe, names, limits, flags, signal, say)
      : { checks: checkState(await observe(), names, expectationsOf(flags)) };
    const passed = report(graded, flags.json);
    if (signal.aborted) return EXIT.interrupted;
    return passed ? EXIT.fine : EXIT.failed;
  } finally {
    clients.destroy();
  }
}

/** Any flag of the generator asks for a run, so that a forgotten one is reported. */
function wantsRun({ num_request, url, image_folder, prediction_file }: GraderFlags): boolean {
  return [num_request, url, image_folder, prediction_file].some((flag) => flag !== undefined);
}

async function gradeRun(
  observe: Observe,
  names: GradedNames,
  limits: FlowLimits,
  flags: GraderFlags,
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<Graded> {
  const { url, plan } = await prepareRun(flags);
  const poster = createPoster(url, plan.connections);
  const progress = flags.watch ? undefined : showProgress(plan.requests);
  if (flags.watch) say(tableHead);
  try {
    const flow = await runFlow(
      observe,
      poster,
      {
        plan,
        intervalMs: flags.interval * 1000,
        settleMs: limits.settleSeconds * 1000,
        ...(progress
          ? { onProgress: progress.update, onAnswered: progress.stop }
          : { onLook: (look) => say(tableRow(look)) }),
      },
      signal,
    );
    say(formatSummary(flow.summary));
    return {
      checks: [...checkFlow(flow, limits), ...checkState(flow.after, names, expectationsOf(flags))],
      workload: flow.summary,
    };
  } finally {
    progress?.stop();
    poster.close();
  }
}

async function emptyFirst(
  clients: Ec2Clients,
  names: GradedNames,
  observe: Observe,
  say: (line: string) => void,
): Promise<void> {
  const { requests, replies, inKeys, outKeys } = await observe();
  if ([requests, replies, inKeys, outKeys].includes(undefined)) return; // The checks will tell.
  await emptyAll(clients, names, say);
}

async function printTable(
  observe: Observe,
  intervalMs: number,
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<void> {
  await observe(); // A wrong endpoint is an error; one that goes away later is a row.
  say(tableHead);
  for await (const look of watch(observe, intervalMs, signal)) say(tableRow(look));
}

function report({ checks, workload }: Graded, json: boolean): boolean {
  const failed = checks.filter((check) => !check.passed).length;
  if (json) {
    console.log(JSON.stringify({ passed: failed === 0, checks, workload }));
    return failed === 0;
  }
  const width = Math.max(...checks.map(({ name }) => name.length));
  for (const { name, passed, sentence } of checks) {
    const word = passed ? styleText('green', 'pass') : styleText('red', 'FAIL');
    console.log(`${word}  ${name.padEnd(width)}  ${sentence}`);
  }
  console.log(failed === 0 ? 'All checks passed.' : `${failed} of ${checks.length} checks failed.`);
  return failed === 0;
}

function expectationsOf({ expect_objects: objects, expect_fleet: fleet }: GraderFlags) {
  return { objects, fleet };
}

function credentialsOf({ access_keyId: accessKeyId, access_key: secretAccessKey }: GraderFlags) {
  return accessKeyId === undefined || secretAccessKey === undefined
    ? undefined
    : { accessKeyId, secretAccessKey };
}

function namesOf(settings: Settings, flags: GraderFlags): GradedNames {
  const names = cloudNames(settings.PROJECT_ID, settings.BUCKET_SUFFIX);
  return {
    requestQueue: flags.req_sqs ?? names.requestQueue,
    replyQueue: flags.resp_sqs ?? names.replyQueue,
    inBucket: flags.in_bucket ?? names.inBucket,
    outBucket: flags.out_bucket ?? names.outBucket,
  };
}

function requireNumbers(flags: GraderFlags): void {
  for (const [name, least] of [
    ['expect_objects', 0],
    ['expect_fleet', 0],
    ['interval', 0.05],
    ['settle_seconds', 1],
  ] as const) {
    const value = flags[name];
    if (value !== undefined && !(value >= least)) {
      throw new SettingsError(`--${name} must be a number of at least ${least}.`);
    }
  }
}

/** SQS says that a purge takes up to 60 seconds. */
const PURGE_MS = 70_000;
const LOOK_EVERY_MS = 500;

/**
 * Destroys data, so it is only called for a flag that says so: deletes every object and every message, and
 * waits until the queues are empty.
 * @param say gets what was done, one sentence each
 * @throws {WorkloadError} when a queue is still not empty long after its purge.
 */
async function emptyAll(
  clients: AwsClients,
  names: GradedNames,
  say: (sentence: string) => void,
): Promise<void> {
  for (const bucket of [names.inBucket, names.outBucket]) {
    say(`Deleted ${await emptyBucket(clients.s3, bucket)} object(s) of ${bucket}.`);
  }
  for (const name of [names.requestQueue, names.replyQueue]) {
    const queue = await openQueue(clients.sqs, name);
    const messages = messagesIn(await queue.depth());
    // SQS refuses a second purge within a minute: an empty queue needs none.
    if (messages === 0) continue;
    await queue.purge();
    const limit = performance.now() + PURGE_MS;
    while (messagesIn(await queue.depth()) > 0) {
      if (performance.now() > limit) {
        throw new WorkloadError(
          `--empty: the queue ${name} is not empty one minute after its purge: a service is still sending to it.`,
        );
      }
      await sleep(LOOK_EVERY_MS);
    }
    say(`Purged ${messages} message(s) of ${name}.`);
  }
}
