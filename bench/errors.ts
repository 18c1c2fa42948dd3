/** The errors of the benchmarks. */
import { ElasticFaceError } from '../runtime/errors.ts';

/** A flag cannot be used; the message names it and says what to do. */
export class BenchError extends ElasticFaceError {
  constructor(message: string, options?: ErrorOptions) {
    super('bench', message, options);
  }
}
