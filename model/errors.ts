/** The errors of the model: between image bytes and a name, and while its native library is set up. */
import { errorClass } from '../runtime/errors.ts';

/** The bytes are not a complete image of a supported format. A retry cannot help: the sender must act. */
export class ImageError extends errorClass('image') {}

/** The model folder is missing, incomplete, or of another version. */
export class ModelError extends errorClass('model') {}

/** The requested backend, or every backend, cannot run on this machine. */
export class BackendError extends errorClass('backend') {}

/** One way to set up the native library failed; the next way is then tried. */
export class NativeError extends errorClass('native') {}

/** A place is empty, which needs no message, unlike a damaged one. */
export class NotSetUpYet extends errorClass('native') {}

/** Every backend needs SIMD: detection averages areas with it, and wasm computes everything with it. */
export function noSimd(): BackendError {
  return new BackendError('WebAssembly with SIMD does not run here: update Node.');
}

/** @param cause the decoder's own message: for logs, not for the sender of the photo */
export function brokenImage(cause: unknown): ImageError {
  return new ImageError('The image is damaged or cut short: send the whole file again.', { cause });
}
