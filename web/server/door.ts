/**
 * The listening server of a web process. The app behind it may be replaced: connections stay, requests that
 * have begun are answered by their own app, and no client is refused meanwhile.
 */
import type { RequestListener, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { messageOf, SettingsError } from '../../runtime/errors.ts';
import type { Logger } from '../../runtime/log.ts';
import type { Settings } from '../../runtime/settings.ts';
import { closeServer, openServer, type ServerSettings, setLimits } from './server.ts';

/** Connections the kernel may queue when many clients connect at once. */
const BACKLOG = 1024;

export type DoorSettings = ServerSettings & Pick<Settings, 'PORT'> & { HOST?: string | undefined };

export interface Door {
  readonly port: number;
  /** Whether it listens where these settings say. */
  fits(settings: DoorSettings): boolean;
  /** Requests that begin from now on go to this app. */
  serve(app: RequestListener, settings: DoorSettings): Served;
  /** Ends the server: see `closeServer`. */
  close(seconds: number, onLate: () => void): Promise<void>;
}

/** The requests of one app. */
export interface Served {
  /** Resolves when all are answered; sensible once another app serves. */
  answered(): Promise<void>;
}

/** @throws {SettingsError} if PORT cannot be opened */
export async function openDoor(
  app: RequestListener,
  settings: DoorSettings,
  log: Logger,
): Promise<{ readonly door: Door; readonly served: Served }> {
  let current = counted(app);
  const served = current;
  const server = openServer((request, response) => current.app(request, response), settings, log);
  try {
    await listen(server, settings);
  } catch (cause) {
    const sentence = `PORT ${settings.PORT} cannot be opened: ${messageOf(cause)}`;
    throw new SettingsError(sentence, { cause });
  }
  const door: Door = {
    port: (server.address() as AddressInfo).port,
    fits: ({ PORT, HOST }) => PORT === settings.PORT && HOST === settings.HOST,
    serve(next, limits) {
      setLimits(server, limits);
      current = counted(next);
      return current;
    },
    close: (seconds, onLate) => closeServer(server, seconds, onLate),
  };
  return { door, served };
}

function counted(app: RequestListener): Served & { readonly app: RequestListener } {
  let open = 0;
  const waiting: (() => void)[] = [];
  return {
    app(request, response) {
      open += 1;
      response.once('close', () => {
        open -= 1;
        if (open === 0) for (const resolve of waiting.splice(0)) resolve();
      });
      app(request, response);
    },
    answered: () =>
      open === 0 ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve)),
  };
}

function listen(server: Server, { PORT, HOST }: DoorSettings): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port: PORT, host: HOST, backlog: BACKLOG }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
