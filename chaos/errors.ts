/** The errors of a chaos run. */
import { ElasticFaceError } from '../runtime/errors.ts';

/** The run cannot begin; the message says what to do. */
export class ChaosError extends ElasticFaceError {
  constructor(message: string, options?: ErrorOptions) {
    super('chaos', message, options);
  }
}
