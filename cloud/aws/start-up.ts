/** The first calls of a service that starts: an outage at that moment delays the service and does not end it. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../../runtime/log.ts';
import { isServiceOutage } from './service-outage.ts';
import { QueueError } from './sqs/queue-address.ts';

/** After this time systemd or the operator decides what to do. */
const PATIENCE_MS = 60_000;
const FIRST_WAIT_MS = 200;
const MOST_WAIT_MS = 2000;

/** Outages that are probably a wrong setting, which the operator wants to know at once. */
const WRONG_SETTING =
  /^(?:ECONNREFUSED|ENOTFOUND|CredentialsProviderError|.*(?:DoesNotExist|NonExistent|AccessDenied|Token|Signature).*)$/;

/**
 * Opens what a service needs of AWS, again and again while AWS is unreachable, failing or throttling.
 * @throws what `open` throws for another reason, or after `patienceMs`
 */
export async function openAtStart<T>(
  open: () => Promise<T>,
  log: Logger,
  patienceMs = PATIENCE_MS,
): Promise<T> {
  const end = performance.now() + patienceMs;
  for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(2 * waitMs, MOST_WAIT_MS)) {
    try {
      return await open();
    } catch (err) {
      if (!isPassing(err) || performance.now() > end) throw err;
      if (waitMs === FIRST_WAIT_MS) log.warn({ err }, 'AWS does not answer yet; retrying');
    }
    await delay(waitMs);
  }
}

function isPassing(error: unknown): boolean {
  const cause = error instanceof QueueError ? error.cause : error;
  if (!(cause instanceof Error)) return false;
  const { name, code = '' } = cause as Error & { code?: string };
  return !WRONG_SETTING.test(name) && !WRONG_SETTING.test(code) && isServiceOutage(cause);
}
