/** What can go wrong between image bytes and a name; each kind is a caller's decision to make. */
import { errorClass } from '../runtime/errors.ts';

/** The bytes are not a whole image of a supported format. The sender's fault: do not try again. */
export class ImageError extends errorClass('image') {}

/** The model folder is missing, incomplete, or of another version. */
export class ModelError extends errorClass('model') {}

/** No backend, or not the one asked for, can run on this machine. */
export class BackendError extends errorClass('backend') {}

/** Detection averages with it on every backend, and wasm computes with nothing else. */
export function noSimd(): BackendError {
  return new BackendError('WebAssembly with SIMD does not run here: update Node.');
}
