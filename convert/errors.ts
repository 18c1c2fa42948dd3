/** What can go wrong between checkpoint files and a converted model. */
import { ElasticFaceError } from '../runtime/errors.ts';

/** A checkpoint, gallery or photo file is missing, damaged, foreign or hostile; the message names it. */
export class CheckpointError extends ElasticFaceError {
  constructor(message: string, options?: ErrorOptions) {
    super('checkpoint', message, options);
  }
}

/** The converted model does not answer as PyTorch does: the self-test has refused it. */
export class SelfTestError extends ElasticFaceError {
  constructor(message: string, options?: ErrorOptions) {
    super('self-test', message, options);
  }
}

/** The output folder cannot be used. */
export class OutputError extends ElasticFaceError {
  constructor(message: string, options?: ErrorOptions) {
    super('output', message, options);
  }
}
