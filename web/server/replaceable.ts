/**
 * The life of a web service at its door: it takes the place of an earlier one without refusing a request, and
 * ends when it is replaced or stopped.
 */
import type { RequestListener } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { SettingsError } from '../../runtime/errors.ts';
import type { Logger } from '../../runtime/log.ts';
import type { Settings } from '../../runtime/settings.ts';
import { type Door, type DoorSettings, openDoor } from './door.ts';

/** Time that a service may take until it can replace the earlier one. */
const MOST_START_MS = 15_000;
const READY_LOOK_MS = 20;

export interface WebService {
  readonly port: number;
  /** Where it listens; a service that replaces it serves there too. */
  readonly door: Door;
  /**
   * Answers the requests it has, however long that takes, while its successor takes new ones.
   * @param leavesDoor whether the successor serves at the same door
   */
  retire(leavesDoor: boolean): Promise<void>;
  /** Stops accepting, and answers the requests in progress: with 503 after STOP_SECONDS. */
  stop(): Promise<void>;
}

export interface ReplaceableParts {
  readonly app: RequestListener;
  readonly settings: DoorSettings & Pick<Settings, 'STOP_SECONDS' | 'REQUEST_SECONDS'>;
  readonly before: WebService | undefined;
  readonly notReady: () => string | undefined;
  /** New requests are to be refused. */
  readonly onStop: () => void;
  /** Those who watch are to connect again. */
  readonly endViews: () => void;
  /** Clients that still wait get an error. @returns their number */
  readonly rejectWaiting: () => number;
  /** Closes what the app uses. */
  readonly close: () => Promise<void>;
  readonly log: Logger;
}

/** @throws {SettingsError} if PORT cannot be opened, or it is not ready to replace `before` */
export async function serveReplaceably(parts: ReplaceableParts): Promise<WebService> {
  const { app, settings, before, notReady, onStop, endViews, log } = parts;
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closed ??= parts.close();
    return closed;
  };
  const open = async (): Promise<Awaited<ReturnType<typeof openDoor>>> => {
    if (before === undefined) return openDoor(app, settings, log);
    await untilReady(notReady);
    const { door } = before;
    if (!door.fits(settings)) return openDoor(app, settings, log);
    return { door, served: door.serve(app, settings) };
  };
  const { door, served } = await open().catch(async (error: unknown) => {
    await close();
    throw error;
  });
  let earlier = before;
  before?.retire(door === before.door).then(
    () => {
      earlier = undefined;
    },
    (err: unknown) => log.warn({ err }, 'The earlier service did not close'),
  );
  let leftDoor = false;
  const onLate = (): void => {
    log.warn({ count: parts.rejectWaiting() }, 'Stopping before some clients have their answers');
  };
  const stop = async (): Promise<void> => {
    onStop();
    endViews();
    if (leftDoor) {
      const late = setTimeout(onLate, settings.STOP_SECONDS * 1000);
      await served.answered();
      clearTimeout(late);
    } else await door.close(settings.STOP_SECONDS, onLate);
    await close();
  };
  return {
    port: door.port,
    door,
    async retire(leavesDoor) {
      leftDoor = leavesDoor;
      endViews();
      if (leavesDoor) await served.answered();
      else await door.close(settings.REQUEST_SECONDS, onLate);
      await close();
    },
    async stop() {
      await Promise.all([earlier?.stop(), stop()]);
    },
  };
}

async function untilReady(notReady: () => string | undefined): Promise<void> {
  const end = performance.now() + MOST_START_MS;
  for (let reason = notReady(); reason !== undefined; reason = notReady()) {
    if (performance.now() > end) {
      throw new SettingsError(`Not ready with these settings: ${reason}.`);
    }
    await delay(READY_LOOK_MS);
  }
}
