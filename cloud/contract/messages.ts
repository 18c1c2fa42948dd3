/** The messages between the services over SQS, as schemas: validated when read, limited in size when written. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { errorClass } from '../../runtime/errors.ts';
import { isFileName } from './file-names.ts';
import { matchSchema, refusalSchema } from './match.ts';
import { asideKey } from './names.ts';
import { type PeopleWork, traceparent, WORK_FILE } from './people-work.ts';

/** The contract's bound on a request message, in bytes of UTF-8. */
export const REQUEST_MESSAGE_BYTES = 1024;

/** In place of a web node: nobody waits, and whichever node gets the reply keeps it for who asks later. */
export const KEPT = 'kept';

/** A message of a queue is not one this project wrote, or would break the contract. */
export class MessageError extends errorClass('message') {}

/** A name and nothing else: no path and no control character, whoever wrote the message. */
const fileName = z.string().refine(isFileName);
/** In place of a key, which repeats the file name, where both would not fit. */
const SHORT_KEYS = { contract: '/', aside: '~/' } as const;

/** What an answer is to tell beside the largest face's three nearest people. */
export const askSchema = z.object({
  /** Every face of the photo, which large photos take longer for. */
  faces: z.literal('all').optional(),
  /** How many of the nearest people to name. */
  top: z.int().min(1).max(10).optional(),
  /** Whether the nearest person is near enough to be the one in the photo. */
  known: z.literal(true).optional(),
  /** Least version of the live gallery that the answer must be made with. */
  gallery: z.int().nonnegative().optional(),
  /** Odds from which a person counts as known, in place of the worker's setting. */
  odds: z.number().min(1).optional(),
});
export type Ask = z.output<typeof askSchema>;

/** The fields of `Ask` in the order of its short form, a list, for where their names would not fit. */
const ASK_FIELDS = ['faces', 'top', 'known', 'gallery', 'odds'] as const;
const shortAskSchema = z
  .array(z.unknown())
  .length(ASK_FIELDS.length)
  .transform((values) => {
    const fields = ASK_FIELDS.map((field, at) => [field, values[at]]);
    return Object.fromEntries(fields.filter(([, value]) => value !== null));
  })
  .pipe(askSchema);

export const requestMessageSchema = z
  .object({
    /** Request id; also names the request in logs, the pressure set and the output's metadata. */
    id: z.uuid(),
    /** The file name as uploaded: the contract's key in the in-bucket. */
    file: fileName,
    /** Where the bytes are now: `file`, or `asideKey` while another upload holds that name. */
    key: z.string(),
    /** Of the photo's bytes, see `photoDigest`: whatever else came under that key is not its photo. */
    digest: z.string().length(43).optional(),
    /** The web node whose client waits, or `KEPT`. */
    node: z.string().min(1).max(64),
    /** When the web tier sent it, in ms since 1970. */
    sentAt: z.int().nonnegative(),
    ...askSchema.shape,
    ask: shortAskSchema.optional(),
    /** Of the span that sent it, when the request is traced. */
    trace: traceparent.optional(),
  })
  // A message can name no other object than its own photo.
  .transform(({ key, ask, id, file, ...others }, context) => {
    const message = { id, file, ...others, ...ask };
    if (key === file || key === SHORT_KEYS.contract) return { ...message, key: file };
    const aside = asideKey(id, file);
    if (key === aside || key === SHORT_KEYS.aside) return { ...message, key: aside };
    context.addIssue({ code: 'custom', path: ['key'], message: 'is of another photo' });
    return z.NEVER;
  });
export type RequestMessage = z.output<typeof requestMessageSchema>;

/** SHA-256 in base64url: short enough for the contract's 1,024 bytes. */
export function photoDigest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('base64url');
}

/** What an instance computes with. */
export const modelInfoSchema = z.object({
  backend: z.string().max(32),
  precision: z.string().max(32),
  /** Of the converted files. */
  version: z.string().max(32),
});
export type ModelInfo = z.output<typeof modelInfoSchema>;

/** Of a photo to recognise. */
export const recognitionOutcomeSchema = z.union([
  z.object({ match: matchSchema }),
  z.object({ refusal: refusalSchema }),
]);

export const replyMessageSchema = z.object({
  id: z.uuid(),
  file: z.union([fileName, z.literal(WORK_FILE)]),
  node: z.string().min(1).max(64),
  outcome: z.union([
    ...recognitionOutcomeSchema.options,
    // Of people work: its result lies under `workKeys.result`.
    z.object({ work: z.literal('done') }),
  ]),
  /** ms of each step of its worker; none when the answer of an earlier delivery was sent again. */
  timings: z.record(z.string().max(32), z.number()).optional(),
  /** The instance that computed it. */
  instance: z.string().max(64).optional(),
  model: modelInfoSchema.optional(),
  /** Of the request: more than one means that it was tried again. */
  deliveries: z.int().positive().optional(),
  /** The request's own `sentAt`: its node tells by its own clock how long all took. */
  sentAt: z.int().nonnegative().optional(),
});
export type ReplyMessage = z.output<typeof replyMessageSchema>;

/** One word for logs and metrics: `match`, `work`, or the reason of a refusal. */
export function outcomeName(outcome: ReplyMessage['outcome']): string {
  if ('refusal' in outcome) return outcome.refusal.reason;
  return 'match' in outcome ? 'match' : 'work';
}

/**
 * A key or an ask that does not fit is written in short, and a trace that does not is left out.
 * @throws {MessageError} when the message would be over the contract's 1,024 bytes.
 */
export function encodeRequest(message: RequestMessage): string {
  const key = SHORT_KEYS[message.key === message.file ? 'contract' : 'aside'];
  const short = { ...message, key };
  const ask = ASK_FIELDS.map((field) => message[field]);
  const unnamed = Object.fromEntries(ASK_FIELDS.map((field) => [field, undefined]));
  const untraced = { ...short, trace: undefined };
  return firstThatFits([message, short, untraced, { ...untraced, ...unnamed, ask }]);
}

/** @throws {MessageError} when the message would be over the contract's 1,024 bytes. */
export function encodeWork(work: PeopleWork): string {
  return firstThatFits([work, { ...work, trace: undefined }]);
}

function firstThatFits(messages: readonly object[]): string {
  let bytes = 0;
  for (const message of messages) {
    const body = JSON.stringify(message);
    bytes = Buffer.byteLength(body);
    if (bytes <= REQUEST_MESSAGE_BYTES) return body;
  }
  throw new MessageError(
    `A request message of ${bytes} bytes is over the limit of ${REQUEST_MESSAGE_BYTES}: shorten the file name.`,
  );
}

export function encodeReply(message: ReplyMessage): string {
  return JSON.stringify(message);
}

/** @throws {MessageError} when the body is not a request message of this project. */
export function decodeRequest(body: string): RequestMessage {
  return parseMessage(requestMessageSchema, parseJson(body, 'request'), 'request');
}

/** @throws {MessageError} when the body is not a reply message of this project. */
export function decodeReply(body: string): ReplyMessage {
  return parseMessage(replyMessageSchema, parseJson(body, 'reply'), 'reply');
}

export function parseJson(body: string, kind: string): unknown {
  try {
    return JSON.parse(body);
  } catch (cause) {
    throw new MessageError(`A ${kind} message is not JSON.`, { cause });
  }
}

export function parseMessage<T>(schema: z.ZodType<T>, value: unknown, kind: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const field = parsed.error.issues[0]?.path.join('.') ?? '';
  throw new MessageError(`A ${kind} message has a wrong field '${field}'.`, {
    cause: parsed.error,
  });
}
