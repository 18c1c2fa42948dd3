/** Pages of a long answer: a token names the last thing given, so that later changes shift nothing. Pure. */
import { Ec2Error } from '../errors.ts';

/** Most of one answer when the caller names no number. */
const MOST = 1000;

export interface Page<T> {
  readonly things: readonly T[];
  readonly nextToken: string | undefined;
}

/**
 * The page that follows a token; the first one without.
 * @param things in the order of `keyOf`, whose values rise
 * @throws {Ec2Error} InvalidNextToken for a token this EC2 did not give.
 */
export function pageOf<T>(
  things: readonly T[],
  keyOf: (thing: T) => number,
  { MaxResults, NextToken }: { MaxResults?: number | undefined; NextToken?: string | undefined },
): Page<T> {
  const after = NextToken === undefined || NextToken === '' ? -1 : decode(NextToken);
  const rest = things.filter((thing) => keyOf(thing) > after);
  const page = rest.slice(0, MaxResults ?? MOST);
  const last = page.at(-1);
  const more = last !== undefined && page.length < rest.length;
  return { things: page, nextToken: more ? encode(keyOf(last)) : undefined };
}

function encode(key: number): string {
  return Buffer.from(`after:${key}`).toString('base64url');
}

function decode(token: string): number {
  const match = /^after:(\d{1,15})$/.exec(Buffer.from(token, 'base64url').toString());
  if (match === null) {
    throw new Ec2Error('InvalidNextToken', 'The specified NextToken is not valid.');
  }
  return Number(match[1]);
}
