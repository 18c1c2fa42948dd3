/** What can go wrong between checkpoint files and a converted model. */
import { errorClass } from '../runtime/errors.ts';

/** A checkpoint, gallery or photo file is missing, damaged, foreign or hostile; the message names it. */
export class CheckpointError extends errorClass('checkpoint') {}

/** The converted model does not answer as PyTorch does: the self-test has refused it. */
export class SelfTestError extends errorClass('self-test') {}

/** The output folder cannot be used. */
export class OutputError extends errorClass('output') {}
