/** Why one way to the native library did not work; the next way is then tried. */
import { ElasticFaceError } from '../../runtime/errors.ts';

export class NativeError extends ElasticFaceError {
  constructor(message: string, options?: ErrorOptions) {
    super('native', message, options);
  }
}
