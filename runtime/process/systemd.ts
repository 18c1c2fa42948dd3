/**
 * Notifies systemd that a service is ready, is stopping and, while it is well, is alive.
 * Does nothing where systemd does not ask (NOTIFY_SOCKET is unset). Knows no service.
 */
import { spawn } from 'node:child_process';
import type { Logger } from '../log.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export interface Supervisor {
  /** The service can work from here on; the watchdog runs from here on too. */
  ready(): void;
  /** The service ends because somebody asked. */
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
