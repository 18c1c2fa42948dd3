/** Temporary failures in a worker: the request goes back to the queue and is retried. */
import { errorClass } from '../runtime/errors.ts';

/** The inference process ended, or was ended, while it computed this photo. */
export class InferenceCrash extends errorClass('inference-crash') {}

/** No inference process is up at the moment; another one is being started. */
export class InferenceAbsent extends errorClass('inference-absent') {
  constructor() {
    super('No inference process is up at the moment.');
  }
}

/** The model failed for a reason other than the photo, such as a lack of memory. */
export class InferenceError extends errorClass('inference') {}

/** No inference process stays up on this machine, so this worker is useless. */
export class InferenceUnfit extends errorClass('inference-unfit') {}

/** The worker is stopping; another one does what it has not finished. */
export class InferenceStopped extends errorClass('inference-stopped') {
  constructor() {
    super('The worker is stopping and has not finished this photo.');
  }
}

/** The message's visibility timeout ended while this worker had it: another worker may have it too. */
export class HoldLost extends errorClass('hold-lost') {
  constructor() {
    super(
      'The visibility timeout ended before it was extended: another worker may have this photo.',
    );
  }
}

/** Every worker that received this request ended before it could answer or report a failure. */
export class NeverAnswered extends errorClass('never-answered') {
  constructor(deliveries: number) {
    super(
      `Each of the ${deliveries} workers that received it ended or lost it before it could answer or report a failure.`,
    );
  }
}
