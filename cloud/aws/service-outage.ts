/** Distinguishes errors of an unreachable service from errors of one request. Knows no queue and no bucket. */
import { QueueError } from './sqs/queue-address.ts';

/** Refusals that name what is wrong with one message or object, whatever the status. */
const STATUS_AWAY = [401, 403, 404, 408, 429];

/**
 * Whether a call failed because its service, or the queue or bucket it goes to, cannot be used now:
 * unreachable, throttled, failing, deleted or forbidden. Then it is nobody's photo that is at fault.
 * An object that is not there is no error here: see cloud/aws/s3/objects.ts.
 */
export function isServiceOutage(error: unknown): boolean {
  if (error instanceof QueueError) return !error.isSenderFault;
  if (!(error instanceof Error)) return false;
  const { $metadata, $retryable } = error as {
    $metadata?: { httpStatusCode?: number };
    $retryable?: { throttling?: boolean };
  };
  const status = $metadata?.httpStatusCode;
  // Names such as QueueDoesNotExist come with status 400.
  if (
    /Throttl|SlowDown|DoesNotExist|NonExistent|NoSuchBucket|ExpiredToken|AccessDenied/.test(
      error.name,
    )
  )
    return true;
  if ($retryable?.throttling) return true;
  if (status !== undefined) return status >= 500 || STATUS_AWAY.includes(status);
  return isNetworkError(error);
}

/** S3's refusals of one object, however often it is sent. */
const FOR_GOOD = /^(?:KeyTooLong(?:Error)?|MetadataTooLarge|EntityTooLarge|InvalidURI)$/;

/**
 * Whether a call failed for what it sends: the same photo fails in the same way at each delivery and on
 * each instance.
 */
export function isPermanentRefusal(error: unknown): boolean {
  if (error instanceof QueueError) return error.isSenderFault;
  return error instanceof Error && FOR_GOOD.test(error.name);
}

const NETWORK = /^(?:E[A-Z]+|UND_ERR_\w+|ERR_SOCKET\w*|ERR_TLS\w*)$/;

function isNetworkError(error: Error): boolean {
  const { code, cause } = error as { code?: unknown; cause?: unknown };
  if (typeof code === 'string' && NETWORK.test(code)) return true;
  if (/^(?:TimeoutError|AbortError|CredentialsProviderError|NetworkingError)$/.test(error.name))
    return true;
  return cause instanceof Error && isNetworkError(cause);
}
