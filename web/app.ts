/** The HTTP face of the web tier: routes and nothing else. */
import express, { type Express, type Request, type Response } from 'express';
import helmet from 'helmet';

import type { RequestIds } from '../cloud/redis/request-ids.ts';
import { type BrowserGuard, withoutToolsHost } from '../runtime/browser-guard.ts';

import type { Logger } from '../runtime/log.ts';
import type { Tracing } from '../runtime/tracing/tracing.ts';
import type { Access } from './access.ts';
import { errorHandler, notFound, sendMatch, wantsJson } from './answer.ts';
import { apiDocs } from './api/docs-page.ts';
import { only } from './api/only.ts';
import { fieldsOf, noOptions, readOptions } from './api/options.ts';
import { type RecognitionRoutes, recognitionRoutes } from './api/recognitions.ts';
import { askOf, optionsSchema } from './api/schemas.ts';
import { httpError } from './errors.ts';
import { type Exchange, openExchange } from './exchange.ts';
import type { Live } from './live/live.ts';
import type { WebMetrics } from './metrics/metrics.ts';
import { failing, MATCH, photoCounts } from './metrics/photo-counts.ts';
import type { Samples } from './page/samples.ts';
import type { Page } from './page/serve-page.ts';
import type { Outlook } from './recognize/outlook.ts';
import type { Submit, Submitted } from './recognize/recognition.ts';
import type { Admission } from './upload/admission.ts';
import { checkHead, checkPhoto, formReader, named, type RawPhoto } from './upload/upload.ts';

/** Nothing answered here is to be run, framed or guessed at by a browser. TLS ends before this node. */
const SECURITY_HEADERS = helmet({
  contentSecurityPolicy: {
    useDefaults: false,
    directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"], formAction: ["'self'"] },
  },
  strictTransportSecurity: false,
  xFrameOptions: { action: 'deny' },
});

export interface AppParts {
  readonly submit: Submit;
  readonly admission: Admission;
  readonly outlook: Outlook;
  readonly access: Access;
  readonly metrics: WebMetrics;
  readonly live: Live;
  readonly samples: Samples;
  readonly requestIds: RequestIds;
  /** Set where only this machine is to reach the node: says why a request is not answered. */
  readonly guard?: BrowserGuard | undefined;
  /** What /v1 needs beside the rest. */
  readonly api: Pick<
    RecognitionRoutes,
    'enqueue' | 'recognitions' | 'news' | 'maxUploadsMb' | 'lateMs'
  >;
  /** Undefined when the node can take photos, else what is missing, in words. */
  readonly notReady: () => string | undefined;
  /** Undefined when all is well, else what makes answers slower, in words. */
  readonly handicap: () => string | undefined;
  readonly isStopping: () => boolean;
  readonly page: Page;
  readonly maxUploadMb: number;
  readonly tracing: Tracing;
  readonly log: Logger;
}

export function createApp(parts: AppParts): Express {
  const { submit, admission, metrics, log } = parts;
  const readForm = formReader(parts.maxUploadMb);
  const counts = photoCounts(metrics, parts.live);
  const app = express();
  app.disable('x-powered-by');
  app.use(SECURITY_HEADERS);
  app.use((request, _response, next) => {
    const reason = parts.guard?.(withoutToolsHost(request));
    next(reason === undefined ? undefined : httpError.foreign(reason));
  });
  app.use(({ headers: { expect } }, _response, next) => {
    const isKnown = expect === undefined || /^100-continue$/i.test(expect);
    next(isKnown ? undefined : httpError.expectation(expect));
  });

  /** The beginning of every request about photos: it has an id, and metrics and its trace tell of its end. */
  const begin = (request: Request, response: Response): Exchange => {
    const { method, path } = request;
    const route = request.params.id === undefined ? path : '/v1/recognitions/{id}';
    const span = parts.tracing.start(`${method} ${route}`, request.get('traceparent'), {
      kind: 'server',
      attributes: { 'http.request.method': method, 'url.path': path },
    });
    const exchange = openExchange(request, response, parts.requestIds, span);
    response.on('close', () => {
      const seconds = (performance.now() - exchange.start) / 1000;
      const status = response.statusCode;
      metrics.observe(method, response.writableFinished ? status : 499, seconds);
      if (response.writableFinished) counts.answered(exchange.outcomes, seconds);
      span.set({ 'http.response.status_code': status });
      if (!response.writableFinished) span.end(new Error('the client has left'));
      else span.end(status >= 500 ? new Error(`answered ${status}`) : undefined);
    });
    return exchange;
  };

  /** The beginning of every request that brings photos: who may, counted until its end. */
  const open = async (request: Request, response: Response): Promise<Exchange> => {
    const exchange = begin(request, response);
    if (parts.isStopping()) throw httpError.stopping();
    await parts.access.requireClient(request);
    exchange.left.throwIfAborted(); // Who left meanwhile would be counted for ever.
    response.on('close', admission.enter());
    await parts.outlook.requireTimely();
    exchange.left.throwIfAborted();
    return exchange;
  };

  /** Resolves when the photo is stored; its bytes are held by nothing that is left then. */
  const takeIn = async (
    request: Request,
    response: Response,
    { left, settleId, span, outcomes }: Exchange,
  ): Promise<Submitted> => {
    const isJson = wantsJson(request);
    const query = readOptions(optionsSchema, request.query);
    if (!isJson) requireNone(query);
    const room = await admission.room(checkHead(request, parts.maxUploadMb), left);
    try {
      const { photos, fields } = await readForm(request, response, room);
      const inForm = readOptions(optionsSchema, fieldsOf(optionsSchema, fields));
      if (!isJson) requireNone(inForm);
      return await failing(outcomes, async () => {
        const photo = await checkPhoto(photos[0] as RawPhoto);
        room.arrived();
        const ask = isJson ? askOf({ ...inForm, ...query }) : {};
        const id = await settleId();
        return submit(named(photo, id), left, { id, ask, span });
      });
    } finally {
      room.release();
    }
  };

  app.post('/', async (request, response) => {
    const exchange = await open(request, response);
    const { start, outcomes } = exchange;
    const { file, answer } = await takeIn(request, response, exchange);
    sendMatch(request, response, file, await failing(outcomes, () => answer));
    outcomes.push(MATCH);
    const ms = Math.round(performance.now() - start);
    log.info({ request: response.getHeader('X-Request-Id'), ms }, 'answered');
  });

  app.get('/', async (request, response) => {
    response.vary('Accept');
    // Whoever takes anything gets the sentence: browsers ask for HTML by name.
    if (request.accepts(['text/plain', 'text/html']) === 'text/html') {
      return parts.page.sendHtml(request, response);
    }
    response
      .type('text/plain')
      .send("POST a photo here, as a multipart form with the field 'inputFile'.\n");
  });
  app.get('/page/:version/*path', async (request, response, next) => {
    const { version, path } = request.params;
    if (!(await parts.page.sendFile(request, response, version, path.join('/')))) next();
  });
  app.all('/page/:version/*path', only('GET, HEAD'));
  app.all(['/', /^\*$/], only('GET, HEAD, POST'));
  app.use(recognitionRoutes({ ...parts, ...parts.api, begin, open }));
  app.use(apiDocs());
  app.get('/healthz', noOptions, (_request, response) => {
    response.type('text/plain').send('ok\n');
  });
  app.get('/readyz', noOptions, (request, response) => {
    const reason = parts.notReady();
    const handicap = parts.handicap();
    const isAdmin = parts.access.isAdmin(request);
    // Photos are answered without Redis too: balancers must not take the node out for it.
    const ready = handicap !== undefined && isAdmin ? `ready, but ${handicap}` : 'ready';
    const text = isAdmin ? reason : reason && 'not ready';
    response
      .status(reason === undefined ? 200 : 503)
      .type('text/plain')
      .send(`${text ?? ready}\n`);
  });
  app.get('/metrics', noOptions, async (request, response) => {
    parts.access.requireAdmin(request);
    response.type(metrics.registry.contentType).send(await metrics.registry.metrics());
  });
  app.get('/live', noOptions, (request, response) => {
    parts.access.requireViewer(request);
    if (parts.isStopping()) throw httpError.stopping();
    if (request.method === 'HEAD') response.end();
    else parts.live.watch(response);
  });
  app.get('/samples', noOptions, (request, response) => {
    parts.access.requireViewer(request);
    return parts.samples.list(response);
  });
  app.get('/samples/:name', noOptions, (request, response) => {
    parts.access.requireViewer(request);
    return parts.samples.send(request.params.name, response);
  });

  const inspected = ['/healthz', '/readyz', '/metrics', '/live', '/samples', '/samples/:name'];
  app.all(inspected, only('GET, HEAD'));
  app.use(notFound);
  app.use(errorHandler(log));
  return app;
}

/** @throws {HttpError} 400 that names an option which one line of text cannot show */
function requireNone(options: object): void {
  const [option] = Object.keys(options);
  if (option !== undefined) throw httpError.optionNeedsJson(option);
}
