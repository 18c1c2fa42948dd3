/** The scaler's HTTP server: its status for people and programs, and its metrics. Read-only. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { browserGuard, isThisMachine } from '../../runtime/browser-guard.ts';
import { messageOf, SettingsError } from '../../runtime/errors.ts';
import type { Settings } from '../../runtime/settings.ts';
import { scalerMetrics } from './metrics.ts';
import { statusPage } from './page.ts';
import { statusOf } from './status.ts';
import type { LoopView } from './view.ts';

type ServerSettings = Pick<
  Settings,
  | 'SCALER_PORT'
  | 'SCALER_HOST'
  | 'ALLOWED_HOSTS'
  | 'SCALE_POLICY'
  | 'MAX_INSTANCES'
  | 'MIN_INSTANCES'
  | 'WARM_POOL'
>;

export interface ScalerServer {
  readonly port: number;
  close(): Promise<void>;
}

/** @throws {SettingsError} when it cannot listen there */
export async function serveStatus(
  view: () => LoopView,
  settings: ServerSettings,
): Promise<ScalerServer> {
  const metrics = scalerMetrics(view, settings);
  const { SCALER_HOST, ALLOWED_HOSTS } = settings;
  const guard = browserGuard({
    allowedHosts: ALLOWED_HOSTS,
    anyHost: !isThisMachine(SCALER_HOST),
  });
  const app = express().disable('x-powered-by');
  app.use((request, response, next) => {
    const reason = guard(request.headers);
    if (reason === undefined) next();
    else response.status(403).type('text').send(`${reason}\n`);
  });
  app.get(['/', '/status'], (_request, response) => {
    const seen = view();
    const status = statusOf(seen, settings, seen.now);
    response.set('cache-control', 'no-store');
    response.format({
      json: () => response.json(status),
      html: () =>
        response
          .set('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'")
          .send(statusPage(status)),
    });
  });
  app.get('/metrics', async (_request, response) => {
    response.type(metrics.contentType).send(await metrics.metrics());
  });
  app.get('/healthz', (_request, response) => {
    response.type('text').send('ok');
  });
  const server = createServer(app);
  server.listen(settings.SCALER_PORT, settings.SCALER_HOST);
  try {
    await once(server, 'listening');
  } catch (cause) {
    throw new SettingsError(
      `Cannot serve the scaler's status on ${settings.SCALER_HOST}:${settings.SCALER_PORT} (${messageOf(cause)}). Set SCALER_PORT to a free port (0 takes any) and SCALER_HOST to an address of this machine.`,
      { cause },
    );
  }
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
