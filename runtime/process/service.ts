/**
 * The start of every service: its settings, also those that change later, its log, what it tells systemd, and
 * its end by a signal, systemd or its parent. Knows no service.
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
  underEnvironment,
} from '../settings.ts';
import { EXIT, leaveWithParent, stopOnSignals } from './exit.ts';
import { followSettings, type SettingsSource } from './follow-settings.ts';
import { keepHeartbeat } from './heartbeat.ts';

export interface Service {
  /** Finishes what is in progress and closes everything. */
  stop(): Promise<void>;
}

type SettingsOf<Name extends ServiceName> = z.output<(typeof serviceSchemas)[Name]>;

export interface ServiceParts<Name extends ServiceName, Started extends Service> {
  /** @param before the service with the earlier settings, which this one replaces and stops */
  readonly start: (
    settings: SettingsOf<Name>,
    log: Logger,
    before: Started | undefined,
  ) => Promise<Started>;
  /** Whether the earlier service still runs if `start` fails. */
  readonly overlaps: boolean;
  /** More settings, which may change; undefined if the settings name none. */
  readonly source: (settings: SettingsOf<Name>) => SettingsSource | undefined;
  /** How often changed settings are looked for. */
  readonly pollMs?: number;
}

/**
 * Starts a service with its own settings and runs it until this process is stopped. When settings change, a
 * new one takes its place.
 * @throws {SettingsError} when a setting of this service is wrong
 */
export async function runService<Name extends ServiceName, Started extends Service>(
  name: Name,
  flags: SettingsInput,
  { start, overlaps, source: openSource, pollMs }: ServiceParts<Name, Started>,
): Promise<Started> {
  const parse = (values: SettingsInput): SettingsOf<Name> =>
    readServiceSettings(name, flags, underEnvironment(values));
  const logBy = ({ LOG_LEVEL }: { readonly LOG_LEVEL: string }): Logger =>
    createLogger(name, LOG_LEVEL);
  const own = parse({});
  const log = logBy(own);
  const source = openSource(own);
  let current = source === undefined ? own : parse(await source.readAtStart(log));
  let service = await start(current, logBy(current), undefined);
  const following =
    source &&
    followSettings({
      source,
      current,
      parse,
      async apply(next) {
        try {
          service = await start(next, logBy(next), service);
          current = next;
        } catch (error) {
          if (!overlaps) service = await start(current, logBy(current), undefined).catch(leave);
          throw error;
        }
      },
      log,
      pollMs,
    });
  // Without a service, systemd or the operator has to start again.
  const leave = (err: unknown): never => {
    log.fatal({ err }, 'Cannot go back to the earlier settings');
    process.exit(EXIT.failed);
  };
  const stop = async (): Promise<void> => {
    await following?.stop();
    await service.stop();
  };
  supervise({ stop }, log, current).ready();
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

interface RedisSettings {
  readonly REDIS_URL?: string | undefined;
  readonly REDIS_PASSWORD?: string | undefined;
}

/** The URL to connect to, with REDIS_PASSWORD in it; undefined when REDIS_URL is unset. */
export function redisUrlOf({ REDIS_URL, REDIS_PASSWORD }: RedisSettings): string | undefined {
  if (REDIS_URL === undefined || REDIS_PASSWORD === undefined) return REDIS_URL;
  const url = new URL(REDIS_URL);
  if (url.password === '') url.password = REDIS_PASSWORD;
  return url.href;
}

/** @throws {SettingsError} when REDIS_URL is unset */
export function requireRedisUrl(settings: RedisSettings): string {
  const url = redisUrlOf(settings);
  if (url !== undefined) return url;
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
