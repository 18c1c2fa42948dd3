/** Why one way to the native library did not work; the next way is then tried. */
import { errorClass } from '../../runtime/errors.ts';

/** A place that is merely empty: no reason to tell anybody, unlike a damaged one. */
export class NotSetUpYet extends errorClass('native') {}

export class NativeError extends errorClass('native') {}
