/** How the C library should treat memory in a process that runs TensorFlow. Sets nothing itself. */

/**
 * glibc's settings, to be in the environment when the process starts. One arena: several keep what each large tensor leaves
 * behind. The heap keeps 64 MB for the next face, and tensors up to 32 MB lie in it: given back to the
 * system after each operation, their pages would be cleared anew for the next, a fifth of the encoder's time.
 */
export const tensorMemory = {
  MALLOC_ARENA_MAX: '1',
  MALLOC_TRIM_THRESHOLD_: String(64 * 2 ** 20),
  MALLOC_MMAP_THRESHOLD_: String(32 * 2 ** 20),
  MALLOC_TOP_PAD_: String(16 * 2 ** 20),
} as const;
