/** Memory given back at once. Knows no image. */

/**
 * Gives the values' memory back without waiting for a collection: V8 counts memory outside its heap, and
 * collects its whole heap each time so much has been added. Nobody may read the values any more.
 */
export function release({ buffer, byteOffset, byteLength }: Uint8Array | Float32Array): void {
  const isWhole = byteOffset === 0 && byteLength === buffer.byteLength;
  // Node 20 cannot transfer: there it waits for the collection.
  if (isWhole && buffer instanceof ArrayBuffer) buffer.transfer?.(0);
}
