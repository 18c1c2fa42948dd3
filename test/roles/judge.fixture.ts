/**
 * Stands before moto as IAM stands before AWS: it knows which role a session belongs to and when it
 * ends, judges every access that a call needs by that role's policies, and hands on what is allowed.
 * moto then checks the signature, the session token and the action once more.
 */
import { once } from 'node:events';
import { createServer, request as forward, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import pLimit from 'p-limit';
import { accessesOf, arnOfObject, objectOf, type SignedCall } from './calls.fixture.ts';
import type { Surroundings } from './ec2-calls.fixture.ts';
import { type Access, judge, type PolicyDocument } from './policy.fixture.ts';

export interface Session {
  readonly role: string;
  /** ms since 1970. */
  readonly endsAt: number;
}

export interface Judged {
  readonly role: string;
  readonly call: string;
  readonly accesses: readonly Access[];
  /** What the policies refuse of it; empty where the call was handed on. */
  readonly refused: readonly Access[];
  /** Why moto refused what the policies allow. */
  readonly mismatch?: string;
  readonly expired: boolean;
}

export interface JudgeOptions {
  /** moto. */
  readonly target: string;
  readonly around: Surroundings;
  readonly session: (accessKeyId: string) => Session | undefined;
  readonly documents: (role: string) => readonly PolicyDocument[];
}

export interface Judge {
  readonly url: string;
  /** Every call, in the order of their answers. */
  readonly judged: readonly Judged[];
  /** What could not be judged. */
  readonly faults: readonly string[];
  /** Makes a call straight at moto while moto checks every one. */
  checkedByMoto<T>(call: () => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** Codes with which moto refuses a signature, a token or an action. */
const MOTO_REFUSALS =
  /AccessDenied|SignatureDoesNotMatch|AuthFailure|InvalidClientTokenId|InvalidAccessKeyId|InvalidToken|not authorized/;

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

export async function startJudge(options: JudgeOptions): Promise<Judge> {
  const judged: Judged[] = [];
  const faults: string[] = [];
  const server = createServer(async (incoming, response) => {
    try {
      const call = signedCall(incoming, await bytesOf(incoming));
      const { status, headers, body } = await answer(call, incoming, options, judged);
      const { 'transfer-encoding': _, ...kept } = headers;
      // An answer to HEAD says the length of what it leaves out.
      const length = call.method === 'HEAD' ? {} : { 'content-length': body.length };
      response.writeHead(status, { ...kept, ...length });
      response.end(body);
    } catch (error) {
      faults.push(`${incoming.method} ${incoming.url}: ${(error as Error).message}`);
      response.writeHead(501).end();
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    // Not by a name of the loopback: there, the services bring no credentials of their own.
    url: `http://0.0.0.0:${(server.address() as AddressInfo).port}`,
    judged,
    faults,
    checkedByMoto: (call) => oneAtATime(call),
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

async function answer(
  call: SignedCall,
  incoming: IncomingMessage,
  { target, around, session, documents }: JudgeOptions,
  judged: Judged[],
): Promise<Answer> {
  const key = /Credential=([^/]+)\//.exec(incoming.headers.authorization ?? '')?.[1] ?? '';
  const found = session(key);
  if (found === undefined) throw new Error(`nobody has the access key ${key}`);
  const { role, endsAt } = found;
  const accesses = await accessesOf(call, around);
  const refused = accesses.filter((access) => judge(documents(role), access) !== 'allowed');
  const named = `${call.service} ${call.method} ${call.target} ${operationOf(call)}`;
  const entry = { role, call: named, accesses, refused, expired: Date.now() > endsAt };
  if (entry.expired || refused.length > 0) {
    judged.push(entry);
    return refusal(call, entry.expired ? 'ExpiredToken' : undefined, refused[0]);
  }
  const given = UNREAD_BY_MOTO.test(call.target)
    ? await withoutCheck(target, () => handOn(call, incoming, target))
    : await handOn(call, incoming, target);
  const text = given.status === 403 || given.status === 400 ? given.body.toString() : '';
  // S3's HEAD has no body to say why.
  const mute = given.status === 403 && call.method === 'HEAD' ? 'AccessDenied' : '';
  const mismatch = MOTO_REFUSALS.exec(text || mute)?.[0];
  judged.push(mismatch === undefined ? entry : { ...entry, mismatch });
  return hidesAbsence(call, given, role, documents) ? refusal(call, undefined, accesses[0]) : given;
}

/** moto computes the signature of a query that it has unescaped: right only where nothing was escaped. */
const UNREAD_BY_MOTO = /\?.*%/;

/** A call that ends would have moto check another one that is under way unchecked. */
const oneAtATime = pLimit(1);

/** Meanwhile, moto takes other calls unchecked too: those that it has to check wait in `checkedByMoto`. */
function withoutCheck<T>(target: string, call: () => Promise<T>): Promise<T> {
  const after = (calls: string) =>
    fetch(`${target}/moto-api/reset-auth`, { method: 'POST', body: calls });
  return oneAtATime(async () => {
    await after('inf');
    try {
      return await call();
    } finally {
      await after('0');
    }
  });
}

/** S3 says that an object is not there only to a role that may list its bucket. */
function hidesAbsence(
  call: SignedCall,
  { status }: Answer,
  role: string,
  documents: JudgeOptions['documents'],
): boolean {
  const object = objectOf(call);
  if (status !== 404 || object === undefined || !/GET|HEAD/.test(call.method)) return false;
  const resource = arnOfObject(object.bucket, '').replace(/\/$/, '');
  return judge(documents(role), { action: 's3:ListBucket', resource, context: {} }) !== 'allowed';
}

function signedCall({ method = '', url = '', headers }: IncomingMessage, body: Buffer): SignedCall {
  const service = /Credential=[^/]+\/\d+\/[^/]+\/([^/]+)\//.exec(headers.authorization ?? '')?.[1];
  if (service === undefined) throw new Error('the call is not signed');
  return { service, method, target: url, headers, body };
}

function operationOf({ headers, body, service }: SignedCall): string {
  if (service === 's3') return '';
  const target = headers['x-amz-target'];
  return typeof target === 'string'
    ? target
    : (new URLSearchParams(body.toString()).get('Action') ?? '');
}

async function bytesOf(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(stream));
}

/** With the host that was signed. */
async function handOn(
  { method, target: path, body }: SignedCall,
  { headers }: IncomingMessage,
  target: string,
): Promise<Answer> {
  const passed = forward(new URL(path, target), { method, headers });
  passed.end(body);
  const [answer] = (await once(passed, 'response')) as [IncomingMessage];
  return {
    status: answer.statusCode ?? 502,
    headers: answer.headers,
    body: await bytesOf(answer),
  };
}

/** In the words of each service. */
function refusal(call: SignedCall, code: string | undefined, refused: Access | undefined): Answer {
  const why = `${refused?.action ?? ''} on ${refused?.resource ?? ''} is not allowed`;
  const reply = (type: string, text: string): Answer => ({
    status: 403,
    headers: { 'content-type': type },
    body: Buffer.from(call.method === 'HEAD' ? '' : text),
  });
  const xml = (name: string) =>
    `<Error><Code>${code ?? name}</Code><Message>${why}</Message></Error>`;
  switch (call.service) {
    case 'sqs':
    case 'ssm': {
      const type = code ?? 'com.amazon.coral.service#AccessDeniedException';
      return reply('application/x-amz-json-1.0', JSON.stringify({ __type: type, message: why }));
    }
    case 'ec2': {
      const errors = `<Errors>${xml('UnauthorizedOperation')}</Errors>`;
      return reply('text/xml', `<Response>${errors}<RequestID>1</RequestID></Response>`);
    }
    case 's3':
      return reply('application/xml', xml('AccessDenied'));
    default:
      return reply('text/xml', `<ErrorResponse>${xml('AccessDenied')}</ErrorResponse>`);
  }
}
