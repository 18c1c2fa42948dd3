/** The proxy that HTTP_PROXY and HTTPS_PROXY name, for downloads only: services ask no proxy for anything. */
import * as http from 'node:http';
import { ElasticFaceError } from '../../runtime/errors.ts';

/** Requests to this machine never take it. */
const NEVER = 'localhost,127.0.0.1,::1';

let users = 0;
let restore: (() => void) | undefined;

/**
 * Lets `fetch` take the proxy of the environment while something runs; it is set for the whole process, so
 * several at once share it. Node before 22.21 cannot, and fetches directly.
 */
export async function withProxy<T>(use: () => Promise<T>): Promise<T> {
  if (users === 0) restore = takeProxy(process.env);
  users++;
  try {
    return await use();
  } finally {
    if (--users === 0) restore?.();
  }
}

function takeProxy(environment: NodeJS.ProcessEnv): (() => void) | undefined {
  const { HTTP_PROXY, http_proxy = HTTP_PROXY } = environment;
  const { HTTPS_PROXY, https_proxy = HTTPS_PROXY } = environment;
  if (!http_proxy && !https_proxy) return undefined;
  const { NO_PROXY, no_proxy = NO_PROXY } = environment;
  const set: typeof http.setGlobalProxyFromEnv | undefined = http.setGlobalProxyFromEnv;
  try {
    return set?.({ http_proxy, https_proxy, no_proxy: no_proxy ? `${no_proxy},${NEVER}` : NEVER });
  } catch {
    // Node's error shows the address, in which a password may stand.
    throw new ElasticFaceError(
      'proxy',
      'HTTP_PROXY or HTTPS_PROXY is not the address of a proxy, e.g. http://proxy.example:3128',
    );
  }
}
