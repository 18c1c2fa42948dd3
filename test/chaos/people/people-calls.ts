/** Calls about people while anything may fail: each is sent again until it is answered. */
import { setTimeout as delay } from 'node:timers/promises';
import { personSchema, receiptSchema } from '../../../people/api.ts';
import type { Left, Subject } from './people-ledger.ts';

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

const CALL_MS = 30_000;
const AGAIN_MS = 300;
/** Beyond the longest fault. */
const MOST_MS = 300_000;
/** Traces of somebody who is forgotten are erased again a minute after their node died. */
const RECEIPT_MS = 240_000;

/**
 * Sends until it is answered by something else than an error that may pass.
 * @param send called with the number of the try, from 1
 * @returns undefined when it was not answered, or is not wanted any more
 */
export async function answered(
  send: (tries: number) => Promise<Answer>,
  {
    isWanted = () => true,
    onRepeat = () => {},
  }: { isWanted?: () => boolean; onRepeat?: () => void } = {},
): Promise<(Answer & { readonly tries: number }) | undefined> {
  const end = performance.now() + MOST_MS;
  for (let tries = 1; isWanted() && performance.now() < end; tries++) {
    const answer = await send(tries).catch(() => undefined);
    if (answer !== undefined && answer.status < 500 && answer.status !== 429) {
      return { ...answer, tries };
    }
    onRepeat();
    await delay(AGAIN_MS);
  }
  return undefined;
}

export async function call(
  url: string,
  method: string,
  path: string,
  body?: string,
  type = 'application/json',
): Promise<Answer> {
  const response = await fetch(new URL(path, url), {
    method,
    headers: {
      Accept: 'application/json',
      ...(body === undefined ? {} : { 'Content-Type': type }),
    },
    ...(body === undefined ? {} : { body }),
    signal: AbortSignal.timeout(CALL_MS),
  });
  return { status: response.status, body: await response.json() };
}

/** @returns undefined where the gallery has no such person */
export async function leftOf({ id }: Subject, url: string): Promise<Left | undefined> {
  const answer = await answered(() => call(url, 'GET', `v1/people/${id}`));
  if (answer?.status !== 200) return undefined;
  const { name, metadata, faces } = personSchema.parse(answer.body);
  return { name, counter: metadata?.counter, faces: faces.length };
}

/** Waits until the receipt is done. @returns what is wrong with it, if anything */
export async function faultOfReceipt({ base, receipt: id }: Subject, url: string) {
  const end = performance.now() + RECEIPT_MS;
  while (id !== undefined) {
    const answer = await answered(() => call(url, 'GET', `v1/receipts/${id}`));
    if (answer?.status !== 200) return `${base}: the receipt is gone (${answer?.status})`;
    if (receiptSchema.parse(answer.body).status === 'done') return undefined;
    if (performance.now() > end) return `${base}: the receipt is still pending`;
    await delay(1000);
  }
  return undefined;
}
