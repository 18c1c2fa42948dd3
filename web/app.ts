/** The web tier's Express app: its routes, and the steps that requests with photos share. */
import express, { type Express, type Request, type Response } from 'express';
import helmet from 'helmet';
import type { Ask } from '../cloud/contract/messages.ts';
import type { RequestIds } from '../cloud/redis/request-ids.ts';
import { type BrowserGuard, withoutToolsHost } from '../runtime/browser-guard.ts';
import type { Logger } from '../runtime/log.ts';
import type { Tracing } from '../runtime/tracing/tracing.ts';
import type { Access } from './access.ts';
import { errorHandler, notFound, sendMatch, wantsJson } from './answer.ts';
import { apiDocs } from './api/docs-page.ts';
import { type RecognitionRoutes, recognitionRoutes } from './api/recognitions.ts';
import { allowMethods, fieldsOf, noOptions, readOptions } from './api/route-rules.ts';
import { askOf, optionsSchema } from './api/schemas.ts';
import { requestBeginner } from './begin.ts';
import { httpError } from './errors.ts';
import type { Exchange } from './exchange.ts';
import type { Live } from './live/live.ts';
import type { WebMetrics } from './metrics/metrics.ts';
import { MATCH, recordFailure } from './metrics/photo-counts.ts';
import type { Samples } from './page/samples.ts';
import type { Page } from './page/serve-page.ts';
import { type PeopleParts, peopleRoutes } from './people/routes.ts';
import type { Submit, Submitted } from './recognize/recognition.ts';
import type { WaitForecast } from './recognize/wait-forecast.ts';
import type { Admission } from './upload/admission.ts';
import { checkHead, formReader } from './upload/form-reader.ts';
import { checkPhoto, named, type RawPhoto } from './upload/photo.ts';

/** Browsers must not execute, frame or sniff these responses. TLS ends at the load balancer. */
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
  readonly forecast: WaitForecast;
  readonly access: Access;
  readonly metrics: WebMetrics;
  readonly live: Live;
  readonly samples: Samples;
  readonly requestIds: RequestIds;
  /** Set if the node listens on this machine only: returns why a request is refused. */
  readonly guard?: BrowserGuard | undefined;
  /** What only the routes under /v1 need. */
  readonly api: Pick<
    RecognitionRoutes,
    'enqueue' | 'recognitions' | 'updates' | 'maxUploadsMb' | 'lateMs'
  >;
  /** What only the routes about people need. */
  readonly people: PeopleParts;
  /** Why the node cannot accept photos; undefined if it can. */
  readonly notReady: () => string | undefined;
  /** What makes answers slower; undefined in normal operation. */
  readonly degraded: () => string | undefined;
  readonly isStopping: () => boolean;
  readonly page: Page;
  readonly maxUploadMb: number;
  /** Name of a stranger in text answers; where it is not set, they name the nearest person. */
  readonly unknownName?: string | undefined;
  readonly tracing: Tracing;
  readonly log: Logger;
}

export function createApp(parts: AppParts): Express {
  const { submit, admission, metrics, log } = parts;
  const readForm = formReader(parts.maxUploadMb);
  const textAsk: Ask = parts.unknownName === undefined ? {} : { known: true };
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

  const requireVersion = (version?: number): Promise<void> => parts.people.gallery.require(version);
  const { begin, enter, open } = requestBeginner(parts);

  /** Resolves when the photo is stored and its memory is freed. */
  const acceptPhoto = async (
    request: Request,
    response: Response,
    { left, settleId, span, outcomes }: Exchange,
  ): Promise<Submitted> => {
    const isJson = wantsJson(request);
    const query = readOptions(optionsSchema, request.query);
    if (!isJson) requireNoOptions(query);
    const room = await admission.reserve(checkHead(request, parts.maxUploadMb), left);
    try {
      const { photos, fields } = await readForm(request, response, room);
      const inForm = readOptions(optionsSchema, fieldsOf(optionsSchema, fields));
      if (!isJson) requireNoOptions(inForm);
      return await recordFailure(outcomes, async () => {
        const photo = await checkPhoto(photos[0] as RawPhoto);
        room.arrived();
        const ask = isJson ? askOf({ ...inForm, ...query }) : textAsk;
        await requireVersion(ask.gallery);
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
    const { file, answer } = await acceptPhoto(request, response, exchange);
    const recognised = await recordFailure(outcomes, () => answer);
    sendMatch(request, response, file, recognised, parts.unknownName);
    outcomes.push(MATCH);
    const ms = Math.round(performance.now() - start);
    log.info({ request: response.getHeader('X-Request-Id'), ms }, 'Answered');
  });

  app.get('/', async (request, response) => {
    response.vary('Accept');
    // A client that accepts anything gets the text: browsers ask for HTML by name.
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
  app.all('/page/:version/*path', allowMethods('GET, HEAD'));
  app.all(['/', /^\*$/], allowMethods('GET, HEAD, POST'));
  app.use(recognitionRoutes({ ...parts, ...parts.api, requireVersion, begin, open }));
  app.use(peopleRoutes({ ...parts, ...parts.people, enter, open }));
  app.use(apiDocs());
  app.get('/healthz', noOptions, (_request, response) => {
    response.type('text/plain').send('ok\n');
  });
  app.get('/readyz', noOptions, (request, response) => {
    const reason = parts.notReady();
    const degraded = parts.degraded();
    const isAdmin = parts.access.isAdmin(request);
    // Photos are answered without Redis too, so load balancers must keep the node in service.
    const ready = degraded !== undefined && isAdmin ? `ready, but ${degraded}` : 'ready';
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
  app.all(inspected, allowMethods('GET, HEAD'));
  app.use(notFound);
  app.use(errorHandler(log));
  return app;
}

/** @throws {HttpError} 400 for an option whose effect a line of text cannot show */
function requireNoOptions(options: object): void {
  const [option] = Object.keys(options);
  if (option !== undefined) throw httpError.optionNeedsJson(option);
}
