/**
 * Says to CloudFormation that this web instance answers, so that an update of the stack replaces the next one, or
 * that it does not, so that the update is undone. The user data of the stack runs it once:
 * `signal-ready.ts REGION STACK RESOURCE`.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { CloudFormationClient, SignalResourceCommand } from '@aws-sdk/client-cloudformation';
import { sharedByClients } from '../cloud/aws/clients.ts';
import { MetadataReader, metadataEndpoint } from '../cloud/ec2/metadata.ts';
import { errorClass, messageOf } from '../runtime/errors.ts';
import { readSettings, type SettingsInput } from '../runtime/settings.ts';

/** Below the stack's own limit of 15 minutes, so that an update is undone with a reason in the journal. */
const LIMIT_MS = 10 * 60_000;
const LOOK_EVERY_MS = 1000;

/** This instance could not be announced. */
export class SignalError extends errorClass('deploy') {}

export interface SignalOptions {
  readonly region: string;
  readonly stack: string;
  /** The logical id of this instance in its stack. */
  readonly resource: string;
  readonly readyUrl?: string;
  readonly limitMs?: number;
}

/** @throws {SignalError} when the web tier does not answer in time, or CloudFormation does not take the signal */
export async function signalReady(
  options: SignalOptions,
  environment: SettingsInput = process.env,
): Promise<void> {
  const { region, stack, resource, limitMs = LIMIT_MS } = options;
  const settings = readSettings({ AWS_REGION: region }, environment);
  const endpoint = metadataEndpoint(settings);
  const instance = endpoint && (await new MetadataReader(endpoint).read('meta-data/instance-id'));
  if (!instance)
    throw new SignalError('This machine has no instance id: it does not belong to a stack.');
  const end = performance.now() + limitMs;
  const isReady = await answers(options.readyUrl ?? 'http://127.0.0.1:8000/readyz', end);
  const client = new CloudFormationClient(sharedByClients(settings));
  try {
    await client.send(
      new SignalResourceCommand({
        StackName: stack,
        LogicalResourceId: resource,
        UniqueId: instance,
        Status: isReady ? 'SUCCESS' : 'FAILURE',
      }),
    );
  } catch (cause) {
    throw new SignalError(
      `CloudFormation took no signal for ${resource} of ${stack} (${messageOf(cause)}): may this role call cloudformation:SignalResource?`,
      { cause },
    );
  } finally {
    client.destroy();
  }
  if (!isReady) {
    throw new SignalError(
      'The web tier was not ready in time, and CloudFormation was told: see journalctl -u elastic-face-web.',
    );
  }
}

async function answers(url: string, end: number): Promise<boolean> {
  for (;;) {
    const left = end - performance.now();
    if (left <= 0) return false;
    const { ok } = await fetch(url, { signal: AbortSignal.timeout(Math.ceil(left)) }).catch(() => ({
      ok: false,
    }));
    if (ok) return true;
    await delay(Math.min(LOOK_EVERY_MS, Math.max(left, 1)));
  }
}

if (import.meta.main) {
  const [region = '', stack = '', resource = ''] = process.argv.slice(2);
  await signalReady({ region, stack, resource });
  console.log(`CloudFormation was told that ${resource} of ${stack} answers.`);
}
