/** The HTTP face of the web tier: routes and nothing else. */
import { randomUUID } from 'node:crypto';
import express, { type Express } from 'express';
import type { Logger } from '../runtime/log.ts';
import { errorHandler, notFound, sendMatch } from './answer.ts';
import { refuse } from './errors.ts';
import type { WebMetrics } from './metrics.ts';
import type { Recognise } from './recognition.ts';
import { uploadReader } from './upload.ts';

export interface AppParts {
  readonly recognise: Recognise;
  readonly metrics: WebMetrics;
  /** Undefined when the node can take photos, else what is missing, in words. */
  readonly notReady: () => string | undefined;
  readonly isStopping: () => boolean;
  readonly maxUploadMb: number;
  readonly log: Logger;
}

export function createApp(parts: AppParts): Express {
  const { recognise, metrics, log } = parts;
  const readUpload = uploadReader(parts.maxUploadMb);
  const app = express();
  app.disable('x-powered-by');

  app.post('/', async (request, response) => {
    const start = performance.now();
    const id = randomUUID();
    const left = new AbortController();
    response.set('X-Request-Id', id);
    response.on('close', () => {
      if (!response.writableFinished) left.abort(new Error('the client has left'));
      metrics.observe(
        response.writableFinished ? response.statusCode : 499,
        (performance.now() - start) / 1000,
      );
    });
    if (parts.isStopping()) throw refuse.stopping();
    const upload = await readUpload(request, response);
    const match = await recognise(upload, left.signal, id);
    sendMatch(request, response, upload.file, match);
    log.info({ request: id, ms: Math.round(performance.now() - start) }, 'answered');
  });

  app.get('/', (_request, response) => {
    response
      .type('text/plain')
      .send("POST a photo here, as a multipart form with the field 'inputFile'.\n");
  });
  app.all('/', (request) => {
    throw refuse.method(request.method);
  });
  app.get('/healthz', (_request, response) => {
    response.type('text/plain').send('ok\n');
  });
  app.get('/readyz', (_request, response) => {
    const missing = parts.notReady();
    response
      .status(missing === undefined ? 200 : 503)
      .type('text/plain')
      .send(`${missing ?? 'ready'}\n`);
  });
  app.get('/metrics', async (_request, response) => {
    response.type(metrics.registry.contentType).send(await metrics.registry.metrics());
  });

  app.use(notFound);
  app.use(errorHandler(log));
  return app;
}
