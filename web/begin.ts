/** How every request about photos or people begins: its id, its span, its end in the metrics, and its limits. */
import type { Request, Response } from 'express';
import type { RequestIds } from '../cloud/redis/request-ids.ts';
import type { Tracing } from '../runtime/tracing/tracing.ts';
import type { Access } from './access.ts';
import { httpError } from './errors.ts';
import { type Exchange, openExchange } from './exchange.ts';
import type { Live } from './live/live.ts';
import type { WebMetrics } from './metrics/metrics.ts';
import { photoCounts } from './metrics/photo-counts.ts';
import type { WaitForecast } from './recognize/wait-forecast.ts';
import type { Admission } from './upload/admission.ts';

export interface BeginParts {
  readonly requestIds: RequestIds;
  readonly tracing: Tracing;
  readonly metrics: WebMetrics;
  readonly live: Live;
  readonly access: Access;
  readonly admission: Admission;
  readonly forecast: WaitForecast;
  readonly isStopping: () => boolean;
}

/** Each sets the X-Request-Id at once, so that refusals have one too. */
export interface Begin {
  /** Gives the request an id, and records its end in metrics and traces. */
  begin(request: Request, response: Response): Exchange;
  /** For a request that needs no worker: also checks its key, and counts it until its end. */
  enter(request: Request, response: Response): Exchange;
  /** For a request with photos: also checks the rate limit and the forecast. */
  open(request: Request, response: Response): Promise<Exchange>;
}

export function requestBeginner(parts: BeginParts): Begin {
  const { access, admission, metrics } = parts;
  const counts = photoCounts(metrics, parts.live);

  const begin = (request: Request, response: Response): Exchange => {
    const { method, path } = request;
    const route = routeOf(request);
    const span = parts.tracing.start(`${method} ${route}`, request.get('traceparent'), {
      kind: 'server',
      attributes: { 'http.request.method': method, 'url.path': path },
    });
    const exchange = openExchange(request, response, parts.requestIds, span);
    response.on('close', () => {
      const seconds = (performance.now() - exchange.start) / 1000;
      const status = response.writableFinished ? response.statusCode : 499;
      if (isRecognition(route)) metrics.observe(method, status, seconds);
      else metrics.people(`${method} ${route}`, status, seconds);
      if (response.writableFinished) counts.answered(exchange.outcomes, seconds);
      span.set({ 'http.response.status_code': response.statusCode });
      if (!response.writableFinished) span.end(new Error('the client disconnected'));
      else span.end(status >= 500 ? new Error(`answered ${status}`) : undefined);
    });
    return exchange;
  };
  return {
    begin,
    enter(request, response) {
      const exchange = begin(request, response);
      if (parts.isStopping()) throw httpError.stopping();
      access.holderOf(request);
      response.set('Cache-Control', 'no-store');
      response.on('close', admission.enter());
      return exchange;
    },
    async open(request, response) {
      const exchange = begin(request, response);
      if (parts.isStopping()) throw httpError.stopping();
      await access.requireClient(request);
      exchange.left.throwIfAborted(); // A client that disconnected here would never be uncounted.
      response.on('close', admission.enter());
      await parts.forecast.requireTimely();
      exchange.left.throwIfAborted();
      return exchange;
    },
  };
}

/** `/v1/people/{id}`: metrics and spans name the route, not who or what is asked about. */
function routeOf({ route, path }: Request): string {
  const pattern: unknown = route?.path;
  return typeof pattern === 'string' ? pattern.replace(/:(\w+)/g, '{$1}') : path;
}

function isRecognition(route: string): boolean {
  return route === '/' || route === '/v1/recognitions' || route === '/v1/recognitions/{id}';
}
