/**
 * What is known of every upload: what it should come to, what its client was told, and whether SQS took
 * its request. Pure bookkeeping; the judge reads it.
 */
import type { RequestMessage } from '../../cloud/contract/messages.ts';

/** What is right for these bytes: a name, a refusal of the photo, or a dead letter. */
export type Expected =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'refusal' }
  | { readonly kind: 'poison' };

export type Told =
  | { readonly kind: 'answer'; readonly status: number; readonly text: string }
  /** The connection broke. */
  | { readonly kind: 'cut'; readonly reason: string }
  | { readonly kind: 'nothing' };

export interface Upload {
  readonly number: number;
  readonly file: string;
  readonly expected: Expected;
  readonly bytes: Uint8Array;
  /** Index of the web node that it was sent to. */
  readonly node: number;
  /** Whether it came with a burst, not from an honest client. */
  readonly isBurst: boolean;
  /** ms of a monotonic clock. */
  readonly from: number;
  to?: number;
  told?: Told;
}

export class Ledger {
  readonly uploads: Upload[] = [];
  /** Requests that SQS took, by id. */
  readonly accepted = new Map<string, RequestMessage>();

  begin(upload: Upload): void {
    this.uploads.push(upload);
  }

  end(upload: Upload, told: Told, to: number): void {
    upload.told = told;
    upload.to = to;
  }

  accept(request: RequestMessage): void {
    this.accepted.set(request.id, request);
  }

  get answered(): number {
    return this.uploads.filter(({ told }) => told !== undefined).length;
  }
}
