/** The start of every service: its settings, its log, and its end by a signal, systemd or its parent. Knows no service. */
import type { z } from 'zod';
import { SettingsError } from '../errors.ts';
import { createLogger, type Logger } from '../log.ts';
import {
  readServiceSettings,
  type ServiceName,
  type SettingsInput,
  type serviceSchemas,
} from '../settings.ts';
import { leaveWithParent, stopOnSignals } from './stop.ts';
import { openSupervisor, type Supervisor } from './systemd.ts';

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
  supervise(service, log).ready();
  return service;
}

/** Stops the service when a signal asks for it or the parent process is gone, and tells systemd. */
export function supervise(service: Service, log: Logger): Supervisor {
  const supervisor = openSupervisor({ log });
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
