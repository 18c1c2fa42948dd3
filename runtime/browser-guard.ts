/**
 * Keeps web pages of others away from services on this machine. A browser sends requests of any page to
 * 127.0.0.1, and a page whose name resolves there (DNS rebinding) reads the answers. Tools and SDKs send
 * neither Origin nor Sec-Fetch-Site, and name this machine in Host. Knows no service.
 */
import type { IncomingHttpHeaders } from 'node:http';

/** @returns why the request is refused, as a sentence; undefined when it may pass */
export type BrowserGuard = (headers: IncomingHttpHeaders) => string | undefined;

export interface GuardOptions {
  /** ALLOWED_HOSTS: names with commas; a leading dot allows all names below it too. */
  readonly allowedHosts?: string | undefined;
  /** Whether it is reached by any name, as a service on all interfaces is. */
  readonly anyHost?: boolean;
}

/** Of this machine as containers see it; outside DNS, so that no page can have it. */
const CONTAINER_HOST = 'host.docker.internal';
const ONE_WORD = /^[A-Za-z0-9_-]+(?::\d+)?$/;

export function browserGuard({ allowedHosts = '', anyHost = false }: GuardOptions): BrowserGuard {
  const allowed = allowedHosts.toLowerCase().split(',').filter(Boolean);
  const isAllowed = (name: string): boolean =>
    allowed.some((entry) => (entry.startsWith('.') ? `.${name}`.endsWith(entry) : name === entry));
  return ({ host, origin, 'sec-fetch-site': site }) => {
    // Only what is no browser leaves Host out: HTTP/1.0.
    const own = host === undefined ? undefined : parsed(`http://${host}`);
    if (host !== undefined && !anyHost) {
      const name = own?.hostname.replace(/\.$/, '');
      if (name === undefined || !(isThisMachine(name) || isAllowed(name))) {
        return `Requests to the host ${JSON.stringify(host.slice(0, 60))} are not answered here: use localhost, or add the name to ALLOWED_HOSTS.`;
      }
    }
    const from = origin === undefined ? undefined : parsed(origin);
    if (from !== undefined && isAllowed(from.hostname)) return undefined;
    if (origin !== undefined && (from === undefined || from.host !== own?.host)) {
      return `Requests from pages of ${JSON.stringify(origin.slice(0, 60))} are not answered here: add its host to ALLOWED_HOSTS to allow them.`;
    }
    return site === 'cross-site'
      ? 'Requests from pages of other sites are not answered here: enter the address in the browser itself.'
      : undefined;
  };
}

/**
 * The headers that the guard looks at, without a Host of one word (`Host: web`) in a POST that no browser
 * sent. Browsers write Origin into every POST, also after DNS rebinding, and no public name is one word;
 * hand-written clients and containers use such names.
 */
export function withoutToolsHost(request: {
  readonly method?: string | undefined;
  readonly headers: IncomingHttpHeaders;
}): IncomingHttpHeaders {
  const { method, headers } = request;
  const isTool = method === 'POST' && headers.origin === undefined && !hasFetchMetadata(headers);
  return isTool && ONE_WORD.test(headers.host ?? '') ? { ...headers, host: undefined } : headers;
}

/** Browsers describe each request in Sec-Fetch headers, which no page can leave out. */
export function hasFetchMetadata(headers: IncomingHttpHeaders): boolean {
  return Object.keys(headers).some((name) => name.startsWith('sec-'));
}

/** Whether a host name or an address leads to this machine and is not reached from any other. */
export function isThisMachine(name: string): boolean {
  return (
    /^(?:.+\.)?localhost$/.test(name) ||
    /^127(?:\.\d{1,3}){3}$/.test(name) ||
    name === '[::1]' ||
    name === '::1' ||
    `.${name}`.endsWith(`.${CONTAINER_HOST}`)
  );
}

function parsed(address: string): URL | undefined {
  return URL.canParse(address) ? new URL(address) : undefined;
}
