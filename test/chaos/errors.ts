/** The errors of a chaos run. */
import { errorClass } from '../../runtime/errors.ts';

/** The run cannot begin; the message says what to do. */
export class ChaosError extends errorClass('chaos') {}
