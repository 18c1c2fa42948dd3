/**
 * The instance metadata service (IMDSv2) of one instance, on a loopback port of its own, since the
 * SDKs append /latest/… to the address they are given. Knows nothing about processes.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { browserGuard } from '../runtime/browser-guard.ts';
import type { Instance } from './ec2/fleet/instance.ts';
import { ACCOUNT, privateDnsName, profileArn } from './ec2/lists/describe.ts';
import { LOOPBACK } from './endpoint.ts';

const TOKEN_HEADER = 'x-aws-ec2-metadata-token';
const TTL_HEADER = 'x-aws-ec2-metadata-token-ttl-seconds';
/** EC2's bounds: one second to six hours. */
const MOST_TTL_SECONDS = 21_600;
/** cloud-init and older SDKs ask for a version by its date; what it gives has not changed since. */
const VERSION = /^\/\d{4}-\d\d-\d\d(?=\/|$)/;
/** Names itself when an instance was launched without a profile: the SDKs then still find credentials. */
const DEFAULT_ROLE = 'elastic-face-local';
const CREDENTIALS_MS = 6 * 3600 * 1000;

export interface MetadataService {
  readonly url: string;
  close(): Promise<void>;
}

/** Text, or a folder of them: what a GET of a path gives. */
type Metadata = string | { readonly [name: string]: Metadata };

/** Machines ask at the address that EC2 has it, and are passed on to here. */
const guard = browserGuard({ allowedHosts: '169.254.169.254' });

/** @param now ms since 1970, for tokens and credentials */
export async function startMetadataService(
  instance: Instance,
  now: () => number = Date.now,
): Promise<MetadataService> {
  const tokens = new Map<string, number>();
  const server = createServer((request, response) => {
    request.resume();
    const path = (request.url ?? '/').split('?', 1)[0]!;
    if (guard(request.headers) !== undefined) {
      send(response, 403, 'Forbidden');
    } else if (path === '/latest/api/token') {
      giveToken(request, response, tokens, now());
    } else if (request.method !== 'GET') {
      send(response, 405, 'Method Not Allowed');
    } else if (!isValid(tokens, request.headers[TOKEN_HEADER], now())) {
      send(response, 401, 'Unauthorized');
    } else {
      const found = lookUp({ latest: latest(instance, now()) }, path.replace(VERSION, '/latest'));
      if (found === undefined) send(response, 404, 'Not Found');
      else send(response, 200, found);
    }
  });
  server.listen(0, LOOPBACK);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${LOOPBACK}:${port}`,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function giveToken(
  request: IncomingMessage,
  response: ServerResponse,
  tokens: Map<string, number>,
  now: number,
): void {
  const ttl = Number(request.headers[TTL_HEADER]);
  if (request.method !== 'PUT') send(response, 405, 'Method Not Allowed');
  // EC2 gives none to what came through a proxy.
  else if (request.headers['x-forwarded-for'] !== undefined) send(response, 403, 'Forbidden');
  else if (!Number.isInteger(ttl) || ttl < 1 || ttl > MOST_TTL_SECONDS) {
    send(response, 400, 'Bad Request');
  } else {
    for (const [token, until] of tokens) if (until <= now) tokens.delete(token);
    const token = randomBytes(42).toString('base64url');
    tokens.set(token, now + ttl * 1000);
    response.setHeader(TTL_HEADER, String(ttl));
    send(response, 200, token);
  }
}

function isValid(
  tokens: ReadonlyMap<string, number>,
  given: string | string[] | undefined,
  now: number,
): boolean {
  const until = typeof given === 'string' ? tokens.get(given) : undefined;
  return until !== undefined && until > now;
}

/** The tree below /latest. Read again each time: tags may change while the instance runs. */
function latest(instance: Instance, now: number): Metadata {
  const { id, availabilityZone, imageId, instanceType, privateIp, tags, userData } = instance;
  const region = availabilityZone.slice(0, -1);
  const host = privateDnsName(instance);
  const role = instance.profileName?.split('/').at(-1) ?? DEFAULT_ROLE;
  const updated = new Date(now).toISOString();
  const spot = spotNotice(instance);
  return {
    'meta-data': {
      'ami-id': imageId,
      'ami-launch-index': String(instance.launchIndex),
      ...(instance.rebalanceAt === undefined
        ? {}
        : { events: { recommendations: { rebalance: rebalance(instance.rebalanceAt) } } }),
      hostname: host,
      iam: {
        info: JSON.stringify({
          Code: 'Success',
          LastUpdated: updated,
          InstanceProfileArn: profileArn(role),
          InstanceProfileId: 'AIPALOCAL',
        }),
        'security-credentials': { [role]: JSON.stringify(credentials(now)) },
      },
      'instance-action': 'none',
      'instance-id': id,
      'instance-life-cycle': instance.spot ? 'spot' : 'on-demand',
      'instance-type': instanceType,
      'local-hostname': host,
      'local-ipv4': privateIp,
      placement: { 'availability-zone': availabilityZone, region },
      'reservation-id': instance.reservationId,
      ...(spot === undefined ? {} : { spot }),
      ...(instance.metadataTags ? { tags: { instance: Object.fromEntries(tags) } } : {}),
    },
    dynamic: {
      'instance-identity': {
        document: JSON.stringify({
          accountId: ACCOUNT,
          architecture: 'x86_64',
          availabilityZone,
          imageId,
          instanceId: id,
          instanceType,
          pendingTime: instance.launchTime.toISOString(),
          privateIp,
          region,
          version: '2017-09-30',
        }),
      },
    },
    ...(userData ? { 'user-data': Buffer.from(userData, 'base64').toString() } : {}),
  };
}

/** There from the notice on; before it, EC2 answers with a 404. */
function spotNotice({ interruptionAt }: Instance): Metadata | undefined {
  if (interruptionAt === undefined) return undefined;
  const time = wholeSeconds(interruptionAt);
  return {
    'instance-action': JSON.stringify({ action: 'terminate', time }),
    'termination-time': time,
  };
}

function rebalance(at: Date): string {
  return JSON.stringify({ noticeTime: wholeSeconds(at) });
}

/** `2026-11-24T10:00:00Z`, as EC2 writes times here. */
function wholeSeconds(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`;
}

function credentials(now: number) {
  return {
    Code: 'Success',
    LastUpdated: new Date(now).toISOString(),
    Type: 'AWS-HMAC',
    AccessKeyId: 'local',
    SecretAccessKey: 'local',
    Token: 'local',
    Expiration: new Date(now + CREDENTIALS_MS).toISOString(),
  };
}

/** A text, or the names in a folder, one a line and folders with a slash; undefined when there is none. */
function lookUp(root: Metadata, path: string): string | undefined {
  let at: Metadata | undefined = root;
  for (const part of path.split('/').filter((name) => name !== '')) {
    const name = decode(part);
    if (typeof at === 'string' || name === undefined || !Object.hasOwn(at, name)) return undefined;
    at = at[name]!;
  }
  if (typeof at === 'string') return at;
  return Object.entries(at)
    .map(([name, value]) => (typeof value === 'string' ? name : `${name}/`))
    .join('\n');
}

function decode(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}

function send(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'content-type': 'text/plain', server: 'EC2ws' });
  response.end(body);
}
