/** The HTTP server: timeouts for slow clients, and a graceful shutdown. */
import { createServer, type RequestListener, type Server } from 'node:http';
import type { Logger } from '../../runtime/log.ts';
import type { Settings } from '../../runtime/settings.ts';
import { answerClientErrors } from './client-error.ts';
import { oneAtATime } from './pipelining.ts';
import { cutSlowReaders } from './slow-readers.ts';

/** Time a client may take to send its headers. */
const MOST_HEAD_MS = 20_000;
/** Interval of the timeout checks: a request ends at most this much too late. */
const MOST_CHECK_MS = 1000;
/** Connections above MAX_REQUESTS, for answers with 503 and for metrics. */
const SPARE_CONNECTIONS = 1024;
/** Interval at which a stopping server closes idle connections. */
const IDLE_SWEEP_MS = 50;
/** A client that reads nothing of its answer for this long is disconnected. */
const STALL_MS = 30_000;
/** Time for the last error answers to reach their clients. */
const FINAL_ANSWER_MS = 2000;

export type ServerSettings = Pick<
  Settings,
  'UPLOAD_SECONDS' | 'MAX_REQUESTS' | 'KEEP_ALIVE_SECONDS'
>;

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
  setLimits(server, settings);
  answerClientErrors(server, log);
  // The form reader sends `100 Continue` once the photo may be sent: see web/upload/form-reader.ts.
  server.on('checkContinue', inTurn);
  server.on('checkExpectation', inTurn); // The app answers with 417 and the reason.
  server.on('close', slowReaders.stop);
  return server;
}

/** The limits of an open server; they hold for what begins from now on. */
export function setLimits(server: Server, settings: ServerSettings): void {
  server.keepAliveTimeout = settings.KEEP_ALIVE_SECONDS * 1000;
  server.requestTimeout = settings.UPLOAD_SECONDS * 1000;
  server.headersTimeout = Math.min(MOST_HEAD_MS, server.requestTimeout);
  server.maxConnections = settings.MAX_REQUESTS + SPARE_CONNECTIONS;
}

/**
 * Answers the requests in progress, and closes each kept-alive connection as soon as it is idle.
 * @param onLate called if some are not answered after `seconds`; connections still open a moment later
 * are closed
 */
export async function closeServer(
  server: Server,
  seconds: number,
  onLate: () => void,
): Promise<void> {
  const sweep = setInterval(() => server.closeIdleConnections(), IDLE_SWEEP_MS);
  let cut: NodeJS.Timeout | undefined;
  const late = setTimeout(() => {
    cut = setTimeout(() => server.closeAllConnections(), FINAL_ANSWER_MS);
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
