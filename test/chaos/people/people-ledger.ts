/**
 * What was done to each person of a run, and what every answer about them has to say. Pure bookkeeping and
 * judgement; it asks nobody.
 */

/** One change that was answered. A change whose answer was lost is sent again until it is. */
export interface Done {
  /** 0 is the enrolment; each correction has the next number, and the last one may be to be forgotten. */
  readonly counter: number;
  readonly isForgotten: boolean;
  /** The gallery version that was answered. */
  readonly version: number;
}

export interface Subject {
  readonly id: string;
  /** The name without the counter. */
  readonly base: string;
  readonly embedding: Float32Array;
  readonly done: Done[];
  /** Of the change that was sent last, answered or not. */
  sent: { counter: number; isForgotten: boolean };
  receipt?: string;
}

/** An answer of a search for exactly this person's embedding. */
export interface Found {
  readonly subject: Subject;
  readonly gallery: number;
  /** The nearest person. */
  readonly id: string | undefined;
  readonly name: string | undefined;
}

export const nameOf = ({ base }: Subject, counter: number): string => `${base} ${counter}`;

/** Why a change was answered wrongly, if so: versions only grow. */
export function faultOfChange({ base, done }: Subject, version: number): string | undefined {
  const before = done.at(-1)?.version ?? 0;
  if (version > before) return undefined;
  return `${base}: version ${version} was answered after version ${before}`;
}

/** What is wrong with an answer for the version that it names, if anything. */
export function faultOfFound({ subject, gallery, id, name }: Found): string | undefined {
  const { done, sent } = subject;
  const before = done.findLast(({ version }) => version <= gallery);
  // A change whose first answer was lost is in some version before the one that was answered.
  const next = done.find(({ version }) => version > gallery) ?? sent;
  const said = `version ${gallery} answered ${name ?? 'nobody'}`;
  const mayBeGone = before === undefined || before.isForgotten || next.isForgotten;
  if (id !== subject.id) {
    return mayBeGone ? undefined : `${said}, where ${nameOf(subject, before.counter)} was right`;
  }
  if (before?.isForgotten) return `${said}, who had been forgotten`;
  const least = before?.counter ?? 0;
  const most = next.isForgotten ? least : next.counter;
  const isRight = range(least, most).some((counter) => name === nameOf(subject, counter));
  return isRight ? undefined : `${said}, where ${nameOf(subject, least)} was the last before it`;
}

/** A person as the gallery has it in the end; undefined where it has none. */
export interface Left {
  readonly name: string;
  readonly counter: unknown;
  readonly faces: number;
}

/** What is wrong with a person in the end: a change is lost, or half of one is there. */
export function faultOfLeft(subject: Subject, left: Left | undefined): string | undefined {
  const { base, done, sent } = subject;
  const last = done.at(-1);
  if (last === undefined && left === undefined) return undefined;
  if (last?.isForgotten) return left && `${base} was forgotten and is there as ${left.name}`;
  if (left === undefined) {
    return sent.isForgotten ? undefined : `${base} is lost, after change ${last?.counter}`;
  }
  const { name, counter, faces } = left;
  const most = sent.isForgotten ? sent.counter - 1 : sent.counter;
  const found = range(last?.counter ?? 0, most).find((one) => name === nameOf(subject, one));
  if (found === undefined) return `${base}: change ${last?.counter} is lost, ${name} is there`;
  if (counter !== found || faces !== 1) {
    return `${name} has counter ${counter} and ${faces} faces: half a change`;
  }
  return undefined;
}

function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, at) => from + at);
}
