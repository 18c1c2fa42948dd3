/** The HTTP server under the app: time limits for slow clients, and an end that leaves nobody hanging. */
import { createServer, type RequestListener, type Server } from 'node:http';
import type { Logger } from '../../runtime/log.ts';
import type { Settings } from '../../runtime/settings.ts';
import { answerClientErrors } from './client-error.ts';
import { oneAtATime } from './pipelining.ts';
import { cutSlowReaders } from './slow-readers.ts';

/** Who has not even sent a head by then is not sending one. */
const MOST_HEAD_MS = 20_000;
/** How often time limits are looked at: they end a request at most so much too late. */
const MOST_CHECK_MS = 1000;
/** Connections above MAX_REQUESTS that may come to be refused in words, or to ask for metrics. */
const SPARE_CONNECTIONS = 1024;
/** How often a stopping server looks for connections that have become idle. */
const IDLE_SWEEP_MS = 50;
/** A client that takes nothing of its answer for this long is not reading. */
const STALL_MS = 30_000;
/** For the last refusals to reach clients that still read. */
const LAST_WORDS_MS = 2000;

type ServerSettings = Pick<Settings, 'UPLOAD_SECONDS' | 'MAX_REQUESTS' | 'KEEP_ALIVE_SECONDS'>;

export interface ServerLimits {
  readonly mostReadAhead?: number;
  readonly stallMs?: number;
}

export function openServer(
  app: RequestListener,
  settings: ServerSettings,
  log: Logger,
  { mostReadAhead, stallMs = STALL_MS }: ServerLimits = {},
): Server {
  const requestTimeout = settings.UPLOAD_SECONDS * 1000;
  const slowReaders = cutSlowReaders(stallMs);
  const inTurn = oneAtATime(app, { mostReadAhead, onTurn: slowReaders.watch });
  const server = createServer(
    {
      keepAliveTimeout: settings.KEEP_ALIVE_SECONDS * 1000,
      requestTimeout,
      headersTimeout: Math.min(MOST_HEAD_MS, requestTimeout),
      connectionsCheckingInterval: Math.min(MOST_CHECK_MS, requestTimeout / 2),
    },
    inTurn,
  );
  server.maxConnections = settings.MAX_REQUESTS + SPARE_CONNECTIONS;
  answerClientErrors(server, log);
  // A client that asks before it sends is told to go on once its photo may come: see upload/upload.ts.
  server.on('checkContinue', inTurn);
  server.on('checkExpectation', inTurn); // The app says in words why it does not meet one.
  server.on('close', slowReaders.stop);
  return server;
}

/**
 * Answers what is in flight; a connection that a client keeps open is closed as soon as it is idle.
 * @param onLate called when some are not answered after `seconds`; whoever does not take the last
 * words either is cut off
 */
export async function closeServer(
  server: Server,
  seconds: number,
  onLate: () => void,
): Promise<void> {
  const sweep = setInterval(() => server.closeIdleConnections(), IDLE_SWEEP_MS);
  let cut: NodeJS.Timeout | undefined;
  const late = setTimeout(() => {
    cut = setTimeout(() => server.closeAllConnections(), LAST_WORDS_MS);
    onLate();
  }, seconds * 1000);
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
  });
  clearInterval(sweep);
  clearTimeout(late);
  clearTimeout(cut);
}
