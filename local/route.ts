/**
 * What the head of a request says: which service it is for, as AWS itself would know from the host name, and
 * whether an SDK sent it or a web page. Pure.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { hasFetchMetadata } from '../runtime/browser-guard.ts';

export type Service = 'sqs' | 's3' | 'ec2' | 'sts' | 'ssm';

export interface RequestHead {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

/**
 * `form`: only the body can tell (an unsigned Query-protocol request); `unknown`: signed for a service
 * that is not here.
 */
export type Route =
  | { readonly service: Service }
  | { readonly service: 'form' }
  | { readonly service: 'unknown'; readonly name: string };

/** Versions of the Query protocol's services. */
const QUERY_VERSIONS: Readonly<Record<string, Service>> = {
  '2016-11-15': 'ec2',
  '2012-11-05': 'sqs',
  '2011-06-15': 'sts',
};

/** Scope of a signature: `<key>/<date>/<region>/<service>/aws4_request`. */
const SCOPE = /^[^/]+\/\d{8}\/[^/]+\/([^/]+)\/aws4_request/;

export function routeOf({ method, url, headers }: RequestHead): Route {
  const query = new URLSearchParams(url.split('?', 2)[1] ?? '');
  const authorization = text(headers.authorization);
  const signed =
    /Credential=([^,\s]+)/.exec(authorization)?.[1] ?? query.get('X-Amz-Credential') ?? '';
  const scope = SCOPE.exec(signed)?.[1];
  if (scope !== undefined) {
    // S3's directory buckets and access points sign by names of their own.
    const name = scope.startsWith('s3') ? 's3' : scope;
    return isService(name) ? { service: name } : { service: 'unknown', name };
  }
  const target = text(headers['x-amz-target']);
  if (target !== '') {
    return target.startsWith('AmazonSQS.')
      ? { service: 'sqs' }
      : { service: 'unknown', name: target.split('.')[0]!.slice(0, 100) };
  }
  if (query.has('Action')) return byVersion(query);
  const atRoot = url.split('?', 1)[0] === '/';
  const form = text(headers['content-type']).startsWith('application/x-www-form-urlencoded');
  if (method === 'POST' && atRoot && form) return { service: 'form' };
  // An unsigned request can only be S3's: public objects, forms of the browser.
  return { service: 's3' };
}

/** The service that an unsigned Query-protocol request means, by its API version. */
export function byVersion(parameters: URLSearchParams): Route {
  const version = parameters.get('Version') ?? '';
  const service = QUERY_VERSIONS[version];
  return service === undefined
    ? { service: 'unknown', name: `with API version '${version.slice(0, 20)}'` }
    : { service };
}

function isService(name: string): name is Service {
  return ['sqs', 's3', 'ec2', 'sts', 'ssm'].includes(name);
}

function text(header: string | readonly string[] | undefined): string {
  return typeof header === 'string' ? header : (header?.[0] ?? '');
}

const SIGNATURE = /^AWS4-HMAC-SHA256 Credential=[^,\s]+\/aws4_request[,\s]/;
const OF_BROWSERS = ['accept-language', 'cookie', 'origin', 'referer', 'upgrade-insecure-requests'];

/**
 * Whether the request is signed as SDKs sign theirs and has nothing of a browser: a page whose name was rebound
 * to this machine can write an Authorization header, but it cannot leave out what its browser adds.
 */
export function isToolRequest(headers: IncomingHttpHeaders): boolean {
  const names = Object.keys(headers);
  return (
    SIGNATURE.test(headers.authorization ?? '') &&
    !OF_BROWSERS.some((name) => names.includes(name)) &&
    !hasFetchMetadata(headers) &&
    !headers['user-agent']?.startsWith('Mozilla/')
  );
}
