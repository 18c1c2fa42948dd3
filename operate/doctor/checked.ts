/** A check that is one call: the answer is judged, an error has its sentence. */
import { messageOf } from '../../runtime/errors.ts';
import { type Check, right, wrong } from './finding.ts';

/** @param codes sentences for errors by their name, or by their HTTP status where S3 gives no more */
export function checked<Answer>({
  ask,
  right: judge,
  codes,
}: {
  ask: () => Promise<Answer>;
  right: (answer: Answer) => string | ReturnType<typeof wrong>;
  codes: Readonly<Record<string, string>>;
}): Check {
  return async () => {
    try {
      const words = judge(await ask());
      return typeof words === 'string' ? right(words) : words;
    } catch (error) {
      const known = codes[codeOf(error)] ?? codes[statusOf(error)];
      return wrong(known ?? `no answer: ${messageOf(error)}`);
    }
  };
}

export function codeOf(error: unknown): string {
  return error instanceof Error ? error.name : '';
}

function statusOf(error: unknown): string {
  const { $metadata } = error as { $metadata?: { httpStatusCode?: number } };
  return String($metadata?.httpStatusCode ?? '');
}
