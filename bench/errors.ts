/** The errors of the benchmarks. */
import { errorClass } from '../runtime/errors.ts';

/** A flag cannot be used; the message names it and says what to do. */
export class BenchError extends errorClass('bench') {}
