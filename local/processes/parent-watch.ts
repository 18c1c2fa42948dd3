/**
 * Preloaded (`node --import`) into every process the local stack starts: ends it when its parent is
 * gone, also after a kill -9. Knows nothing about what the process does.
 */

/** Time for the process's own graceful stop, which may wait for a cloud that is gone too. */
const GRACE_MS = 3000;

if (process.connected) {
  process.once('disconnect', () => {
    setTimeout(() => process.exit(1), GRACE_MS).unref();
    process.kill(process.pid, 'SIGTERM');
  });
  // Listening would keep a process alive that has nothing left to do.
  process.channel?.unref();
}
// What this process forks lives and dies with the channel that it has to this process.
const own = process.execArgv.indexOf(import.meta.url);
if (own > 0) process.execArgv.splice(own - 1, 2);
