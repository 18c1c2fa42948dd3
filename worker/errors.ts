/** What can fail in a worker for a passing reason: the request goes back to the queue and is tried again. */
import { errorClass } from '../runtime/errors.ts';

/** The inference process ended, or was ended, while it computed this photo. */
export class InferenceCrash extends errorClass('inference-crash') {}

/** The model threw something that is not the photo's fault, such as a lack of memory. */
export class InferenceError extends errorClass('inference') {}

/** No inference process stays up on this machine, so that this worker is of no use. */
export class InferenceUnfit extends errorClass('inference-unfit') {}

/** The worker is leaving; another one will do what was not begun. */
export class InferenceStopped extends errorClass('inference-stopped') {
  constructor() {
    super('The worker is leaving: this photo was not finished.');
  }
}

/** The message's visibility ended while it was in hand: another worker may be at it. */
export class HoldLost extends errorClass('hold-lost') {
  constructor() {
    super('The message was not kept in time: another worker may be at this photo.');
  }
}

/** Every worker that had this request ended before it could answer, or say why not. */
export class NeverAnswered extends errorClass('never-answered') {
  constructor(deliveries: number) {
    super(
      `Each of the ${deliveries} workers that had it before ended, or lost it, before it could answer or say why.`,
    );
  }
}
