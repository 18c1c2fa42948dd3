/** Settings of the C library's memory for a process that runs TensorFlow. */

/**
 * Environment variables of glibc, read when the process starts. One arena: each further one would keep the
 * memory of large tensors. The heap keeps 64 MB for the next face and holds tensors of up to 32 MB: given back
 * to the system after each operation, their pages would have to be cleared again, a fifth of the encoder's
 * time. Pages of 2 MB, if the system has them: a face reads 100 MB of weights, and large pages save looking up
 * their addresses. Other C libraries ignore these variables.
 */
export const mallocSettings = {
  MALLOC_ARENA_MAX: '1',
  MALLOC_TRIM_THRESHOLD_: String(64 * 2 ** 20),
  MALLOC_MMAP_THRESHOLD_: String(32 * 2 ** 20),
  MALLOC_TOP_PAD_: String(16 * 2 ** 20),
  GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1',
} as const;
