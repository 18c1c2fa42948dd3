/** How many workers one machine can run. Pure. */

/** A worker and its inference process, resident: 0.6 to 1.0 GB were measured, by engine and graph. */
const WORKER_BYTES = 1024 ** 3;
/** The rest is for the system, the cloud, the web tier and the user's own programs. */
const SHARE_OF_MEMORY = 0.75;
/** The contract: a fleet of one could not show that it grows. */
const LEAST = 2;
/** The contract's largest fleet. */
const MOST = 20;

/**
 * The largest fleet that gains from this machine: more workers than cores only wait for each other,
 * and more than its memory holds make it swap.
 */
export function fleetSize(machine: {
  /** Cores this process may use. */
  cores: number;
  memoryBytes: number;
  /** Threads of one worker's inference. */
  threads: number;
}): number {
  const byCores = Math.floor(machine.cores / machine.threads);
  const byMemory = Math.floor((machine.memoryBytes * SHARE_OF_MEMORY) / WORKER_BYTES);
  return Math.max(LEAST, Math.min(MOST, byCores, byMemory));
}
