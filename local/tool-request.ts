/**
 * Distinguishes an SDK's request from a web page's. A page whose name was rebound to this machine can write
 * an Authorization header, but it cannot leave out what its browser adds to every request. Pure.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { hasFetchMetadata } from '../runtime/browser-guard.ts';

const SIGNATURE = /^AWS4-HMAC-SHA256 Credential=[^,\s]+\/aws4_request[,\s]/;
const OF_BROWSERS = ['accept-language', 'cookie', 'origin', 'referer', 'upgrade-insecure-requests'];

/** Whether the request is signed as SDKs sign theirs and has nothing of a browser. */
export function isToolRequest(headers: IncomingHttpHeaders): boolean {
  const names = Object.keys(headers);
  return (
    SIGNATURE.test(headers.authorization ?? '') &&
    !OF_BROWSERS.some((name) => names.includes(name)) &&
    !hasFetchMetadata(headers) &&
    !headers['user-agent']?.startsWith('Mozilla/')
  );
}
