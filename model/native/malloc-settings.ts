/** How the C library should treat memory in a process that runs TensorFlow. Sets nothing itself. */

/**
 * glibc's settings, to be in the environment when the process starts. One arena: several keep what each large tensor leaves
 * behind. The heap keeps 64 MB for the next face, and tensors up to 32 MB lie in it: given back to the
 * system after each operation, their pages would be cleared anew for the next, a fifth of the encoder's time.
 * Pages of 2 MB where the system has them: a face walks through 100 MB of weights, whose addresses the
 * processor then need not look up one by one. Older C libraries know nothing of it, and ignore it.
 */
export const mallocSettings = {
  MALLOC_ARENA_MAX: '1',
  MALLOC_TRIM_THRESHOLD_: String(64 * 2 ** 20),
  MALLOC_MMAP_THRESHOLD_: String(32 * 2 ** 20),
  MALLOC_TOP_PAD_: String(16 * 2 ** 20),
  GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1',
} as const;
