/** Sends the photos of one request to the workers while their client waits. */
import type { Ask } from '../../cloud/contract/messages.ts';
import type { Span } from '../../runtime/tracing/tracing.ts';
import { toHttpError } from '../errors.ts';
import type { HttpError } from '../http-error.ts';
import { MATCH, type Outcome } from '../metrics/photo-counts.ts';
import type { Recognised, Submit, Submitted } from '../recognize/recognition.ts';
import type { Upload } from '../upload/photo.ts';
import { problemOf } from './problems.ts';
import { type PhotoAnswer, type Recognition, recognitionOf } from './schemas.ts';

/** A photo of a form: checked, or with the error why it is not accepted. */
export interface Arrived {
  readonly id: string;
  /** The name the client sent. */
  readonly file: string;
  readonly checked: Upload | HttpError;
}

export interface Batch {
  readonly id: string;
  readonly ask: Ask;
  readonly photos: readonly Arrived[];
  readonly span: Span;
  /** Collects the outcomes that are known when the client is answered. */
  readonly outcomes: Outcome[];
}

type Named = Pick<Arrived, 'id' | 'file'>;

export const doneAnswer = ({ id, file }: Named, recognised: Recognised): PhotoAnswer => ({
  id,
  file,
  status: 'done',
  ...recognised,
});

export const failedAnswer = ({ id, file }: Named, error: HttpError): PhotoAnswer => ({
  id,
  file,
  status: 'failed',
  problem: problemOf(error, id),
});

/**
 * Resolves when every photo is stored, with a function that waits for the answers.
 * @throws the signal's reason once the client has disconnected
 */
export async function sendNow(
  { id, ask, photos, span, outcomes }: Batch,
  submit: Submit,
  left: AbortSignal,
): Promise<() => Promise<Recognition>> {
  const sent = await Promise.all(
    photos.map(async ({ id: photoId, checked }): Promise<Submitted | Error> => {
      if (checked instanceof Error) return checked;
      return submit(checked, left, { id: photoId, ask, span }).catch(asError);
    }),
  );
  // Without the photos' bytes, which would stay in memory until the answer.
  const named = photos.map((photo): Named => ({ id: photo.id, file: photo.file }));
  return async () => {
    const answers = await Promise.all(
      sent.map((one) => (one instanceof Error ? one : one.answer.catch(asError))),
    );
    left.throwIfAborted();
    const refusals = answers.map((one) => (one instanceof Error ? toHttpError(one) : undefined));
    outcomes.push(...refusals.map((refusal) => refusal?.code ?? MATCH));
    const failure = failureOf(refusals);
    if (failure) throw failure;
    return recognitionOf(
      id,
      named.map((photo, index) => {
        const refused = refusals[index];
        return refused
          ? failedAnswer(photo, refused)
          : doneAnswer(photo, answers[index] as Recognised);
      }),
    );
  };
}

/** The error of the whole request if the service failed for every photo: sending it again may help. */
export function failureOf(refusals: readonly (HttpError | undefined)[]): HttpError | undefined {
  const isOurs = refusals.every((one) => one !== undefined && one.status >= 500);
  return isOurs ? refusals[0] : undefined;
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
