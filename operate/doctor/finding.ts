/** What a check found, and how all of them are shown. Knows no check. */

export interface Finding {
  readonly what: string;
  /** `unknown` where it could not or need not be checked. */
  readonly verdict: 'right' | 'wrong' | 'unknown';
  /** One sentence: what is there, or what to do. */
  readonly says: string;
}

export type Check = () => Promise<Omit<Finding, 'what'>>;

export const right = (says: string) => ({ verdict: 'right' as const, says });
export const wrong = (says: string) => ({ verdict: 'wrong' as const, says });
export const unknown = (says: string) => ({ verdict: 'unknown' as const, says });

/** One after the other, so that what is said first is what is to be mended first. */
export async function findings(checks: Readonly<Record<string, Check>>): Promise<Finding[]> {
  const found: Finding[] = [];
  for (const [what, check] of Object.entries(checks)) found.push({ what, ...(await check()) });
  return found;
}

const MARKS = { right: 'ok', wrong: 'WRONG', unknown: '-' } as const;

/** One line a finding, in columns. */
export function table(found: readonly Finding[]): string {
  const widest = Math.max(...found.map(({ what }) => what.length));
  return found
    .map(({ what, verdict, says }) => `${MARKS[verdict].padEnd(6)} ${what.padEnd(widest)}  ${says}`)
    .join('\n');
}
