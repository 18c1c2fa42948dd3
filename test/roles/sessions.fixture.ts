/**
 * Hands processes the temporary credentials of a role, as ECS, EKS and the metadata service do: each
 * session is moto's, lives for a few seconds, and the SDK renews it before it ends.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AssumeRoleCommand, type STSClient } from '@aws-sdk/client-sts';
import type { Session } from './judge.fixture.ts';

/** The SDK renews what ends within five minutes at every call, so that any life below is renewed. */
const LIFE_MS = 8000;
/** The same session is handed out for this long. */
const FRESH_MS = 2500;

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  readonly expiration: Date;
}

export interface Sessions {
  /** Environment of a process that takes on a role. */
  environment(role: string): Record<string, string>;
  /** For a client in this process. */
  credentials(role: string): Promise<Credentials>;
  session(accessKeyId: string): Session | undefined;
  /** Sessions of a role until now. */
  count(role: string): number;
  close(): Promise<void>;
}

/** @param arnOf of a role by its short name */
export async function startSessions(
  sts: STSClient,
  arnOf: (role: string) => string,
): Promise<Sessions> {
  const known = new Map<string, Session>();
  const newest = new Map<string, Promise<Credentials>>();
  const assume = async (role: string): Promise<Credentials> => {
    const { Credentials: given } = await sts.send(
      new AssumeRoleCommand({ RoleArn: arnOf(role), RoleSessionName: role }),
    );
    const endsAt = Date.now() + LIFE_MS;
    known.set(given?.AccessKeyId ?? '', { role, endsAt });
    return {
      accessKeyId: given?.AccessKeyId ?? '',
      secretAccessKey: given?.SecretAccessKey ?? '',
      sessionToken: given?.SessionToken ?? '',
      expiration: new Date(endsAt),
    };
  };
  const credentials = async (role: string): Promise<Credentials> => {
    const given = await newest.get(role)?.catch(() => undefined);
    if (given !== undefined && given.expiration.getTime() - Date.now() > LIFE_MS - FRESH_MS) {
      return given;
    }
    const next = assume(role);
    newest.set(role, next);
    return next;
  };
  const server = createServer(async ({ url = '' }, response) => {
    const given = await credentials(url.slice(1)).catch((error: Error) => error);
    if (given instanceof Error) return response.writeHead(500).end(given.message);
    const { accessKeyId, secretAccessKey, sessionToken, expiration } = given;
    return response.writeHead(200, { 'content-type': 'application/json' }).end(
      JSON.stringify({
        AccessKeyId: accessKeyId,
        SecretAccessKey: secretAccessKey,
        Token: sessionToken,
        Expiration: expiration.toISOString(),
      }),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    environment: (role) => ({
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `http://127.0.0.1:${port}/${role}`,
    }),
    credentials,
    session: (accessKeyId) => known.get(accessKeyId),
    count: (role) => [...known.values()].filter((one) => one.role === role).length,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
