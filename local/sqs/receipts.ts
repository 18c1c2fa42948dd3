/**
 * Receipt handles with a check in them, so that one that was never given, or is another queue's, is
 * told from one of a message deleted before. fauxqs takes any text. Pure.
 */
import { createHash } from 'node:crypto';
import { SqsError } from './errors.ts';

const HANDLE = /^([0-9a-f-]{36})\.([\w-]{22})$/;

/** What a client gets of a receipt of fauxqs's. */
export function handleOf(receipt: string, queue: string): string {
  return `${receipt}.${checkOf(receipt, queue)}`;
}

/** @throws {SqsError} ReceiptHandleIsInvalid for text that `handleOf` did not give for this queue */
export function receiptOf(handle: unknown, queue: string): string {
  const [, receipt = '', check] = HANDLE.exec(String(handle)) ?? [];
  if (check !== undefined && check === checkOf(receipt, queue)) return receipt;
  throw new SqsError('ReceiptHandleIsInvalid', 'The input receipt handle is invalid.');
}

/** A handle stays valid over a restart, therefore there is no key. */
function checkOf(receipt: string, queue: string): string {
  return createHash('sha256').update(`${queue} ${receipt}`).digest('base64url').slice(0, 22);
}
