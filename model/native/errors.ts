/** Why one way to the native library did not work; the next way is then tried. */
import { ElasticFaceError } from '../../runtime/errors.ts';

/** A place that is merely empty: no reason to tell anybody, unlike a damaged one. */
export class NotSetUpYet extends ElasticFaceError {
  constructor(message: string, options?: ErrorOptions) {
    super('native', message, options);
  }
}

export class NativeError extends ElasticFaceError {
  constructor(message: string, options?: ErrorOptions) {
    super('native', message, options);
  }
}
