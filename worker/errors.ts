/** What can fail in a worker for a passing reason: the request goes back to the queue and is tried again. */
import { ElasticFaceError } from '../runtime/errors.ts';

/** The inference process ended, or was ended, while it computed this photo. */
export class InferenceCrash extends ElasticFaceError {
  constructor(message: string, options?: ErrorOptions) {
    super('inference-crash', message, options);
  }
}

/** The model threw something that is not the photo's fault, such as a lack of memory. */
export class InferenceError extends ElasticFaceError {
  constructor(message: string, options?: ErrorOptions) {
    super('inference', message, options);
  }
}

/** No inference process stays up on this machine, so that this worker is of no use. */
export class InferenceUnfit extends ElasticFaceError {
  constructor(message: string, options?: ErrorOptions) {
    super('inference-unfit', message, options);
  }
}

/** The worker is leaving; another one will do what was not begun. */
export class InferenceStopped extends ElasticFaceError {
  constructor() {
    super('inference-stopped', 'The worker is leaving: this photo was not finished.');
  }
}

/** The message's visibility ended while it was in hand: another worker may be at it. */
export class HoldLost extends ElasticFaceError {
  constructor() {
    super('hold-lost', 'The message was not kept in time: another worker may be at this photo.');
  }
}

/** Every worker that had this request ended before it could answer, or say why not. */
export class NeverAnswered extends ElasticFaceError {
  constructor(deliveries: number) {
    super(
      'never-answered',
      `Each of the ${deliveries} workers that had it before ended, or lost it, before it could answer or say why.`,
    );
  }
}
