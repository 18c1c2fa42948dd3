/** What a decision may ask for. Data only; `act.ts` carries it out. */

export interface Launching {
  readonly kind: 'launch';
  readonly number: number;
  /** Goes into the ClientToken. */
  readonly nonce: string;
  readonly reason: string;
}

/** Asks: the instance goes on with what it has in hand and says when it is done. */
export interface Draining {
  readonly kind: 'drain';
  readonly number: number;
  readonly instanceId: string;
  readonly reason: string;
}

export interface Terminating {
  readonly kind: 'terminate';
  readonly number: number;
  readonly instanceId: string;
  readonly reason: string;
}

export interface Forgetting {
  readonly kind: 'forget-pressure';
  /** Requests that came before this time, in ms since 1970. */
  readonly before: number;
  readonly reason: string;
}

export type Action = Launching | Draining | Terminating | Forgetting;
