/** The errors of the generator and the grader. */
import { errorClass } from '../runtime/errors.ts';

/** A flag, or what it points to, cannot be used; the message names the flag and says what to do. */
export class WorkloadError extends errorClass('workload') {}
