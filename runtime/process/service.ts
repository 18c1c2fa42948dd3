/**
 * The start of every service: its settings, its log, what it tells systemd, and its end by a signal, systemd
 * or its parent. Knows no service.
 */

import { spawn } from 'node:child_process';
import type { z } from 'zod';
import { SettingsError } from '../errors.ts';
import { createLogger, type Logger } from '../log.ts';
import {
  readServiceSettings,
  type ServiceName,
  type SettingsInput,
  type serviceSchemas,
} from '../settings.ts';
import { leaveWithParent, stopOnSignals } from './exit.ts';
import { keepHeartbeat } from './heartbeat.ts';

export interface Service {
  /** Finishes what is in progress and closes everything. */
  stop(): Promise<void>;
}

/**
 * Starts a service with its own settings and runs it until this process is stopped.
 * @throws {SettingsError} when a setting of this service is wrong
 */
export async function runService<Name extends ServiceName, Started extends Service>(
  name: Name,
  flags: SettingsInput,
  start: (settings: z.output<(typeof serviceSchemas)[Name]>, log: Logger) => Promise<Started>,
): Promise<Started> {
  const settings = readServiceSettings(name, flags);
  const log = createLogger(name, settings.LOG_LEVEL);
  const service = await start(settings, log);
  supervise(service, log, settings).ready();
  return service;
}

/**
 * Stops the service when a signal asks for it or the parent process is gone; tells systemd and container
 * probes how it is.
 */
export function supervise(
  service: Service,
  log: Logger,
  { HEARTBEAT_FILE }: { readonly HEARTBEAT_FILE?: string | undefined },
): Supervisor {
  const systemd = openSupervisor({ log });
  const supervisor: Supervisor = {
    ready() {
      systemd.ready();
      if (HEARTBEAT_FILE !== undefined) keepHeartbeat(HEARTBEAT_FILE, log);
    },
    stopping: () => systemd.stopping(),
  };
  stopOnSignals(log, () => {
    supervisor.stopping();
    return service.stop();
  });
  leaveWithParent(log);
  return supervisor;
}

/** @throws {SettingsError} when REDIS_URL is unset */
export function requireRedisUrl({
  REDIS_URL,
}: {
  readonly REDIS_URL?: string | undefined;
}): string {
  if (REDIS_URL !== undefined) return REDIS_URL;
  throw new SettingsError(
    'REDIS_URL is not set. Set it to the Redis that all services of the project share, e.g. redis://127.0.0.1:6379.',
  );
}

type Environment = Readonly<Record<string, string | undefined>>;

interface Supervisor {
  /** The service can work from here on; the watchdog runs from here on too. */
  ready(): void;
  /** The service ends because it was asked to. */
  stopping(): void;
}

export interface SupervisorOptions {
  readonly log: Logger;
  /** While this is false systemd hears nothing, and restarts the service after its WatchdogSec. */
  readonly isWell?: () => boolean;
  readonly environment?: Environment;
}

/**
 * The message goes through the program `systemd-notify`: Node has no datagram sockets of the Unix kind,
 * and a program of systemd's own needs no compiled addon. The unit wants `NotifyAccess=all` for it.
 */
export function openSupervisor({
  log,
  isWell = () => true,
  environment = process.env,
}: SupervisorOptions): Supervisor {
  if (!environment.NOTIFY_SOCKET) return { ready() {}, stopping() {} };
  const notify = (...words: string[]): void => {
    const program = spawn('systemd-notify', words, { stdio: 'ignore', env: { ...environment } });
    program.once('error', (err) => log.warn({ err }, 'Cannot notify systemd'));
    program.unref();
  };
  let watchdog: NodeJS.Timeout | undefined;
  return {
    ready() {
      notify('READY=1');
      const everyMs = watchdogMs(environment) / 2;
      if (everyMs === 0) return;
      watchdog = setInterval(() => {
        if (isWell()) notify('WATCHDOG=1');
        else log.error('Not well: sending systemd no watchdog signal, so it restarts this service');
      }, everyMs);
      watchdog.unref();
    },
    stopping() {
      clearInterval(watchdog);
      notify('STOPPING=1');
    },
  };
}

/** Time within which systemd wants a sign of life, ms; 0 when it wants none of this process. */
function watchdogMs({ WATCHDOG_USEC, WATCHDOG_PID }: Environment): number {
  if (WATCHDOG_PID !== undefined && Number(WATCHDOG_PID) !== process.pid) return 0;
  const microseconds = Number(WATCHDOG_USEC);
  return Number.isFinite(microseconds) && microseconds > 0 ? microseconds / 1000 : 0;
}
