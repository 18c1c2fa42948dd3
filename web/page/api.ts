/** Posts photos and reads the answers; a few at a time, however many are given. */
import { askForKey, keyHeaders } from './key.ts';

/** A browser opens six connections to a server at most, and the live view holds one. */
export const POSTS_AT_ONCE = 5;

export interface Face {
  readonly name: string;
  readonly distance: number;
  /** x1, y1, x2, y2, in pixels of the upright photo. */
  readonly box: readonly [number, number, number, number];
  readonly probability: number;
  readonly landmarks: readonly (readonly [number, number])[];
  readonly nearest: readonly { readonly name: string; readonly distance: number }[];
}

export interface Answer extends Face {
  readonly file: string;
  /** Whether the nearest person is near enough to be the one in the photo. */
  readonly known?: boolean;
  readonly width: number;
  readonly height: number;
  /** ms of each step; none when the answer of an earlier try was sent again. */
  readonly timings?: Readonly<Record<string, number>>;
  readonly instance?: string;
}

/** What the server said no with, or what is in its way, in words for a person. */
export class PostError extends Error {
  /** Whether the same photo may do better later. */
  readonly mayPass: boolean;

  constructor(message: string, mayPass: boolean, options?: ErrorOptions) {
    super(message, options);
    this.mayPass = mayPass;
  }
}

let free = POSTS_AT_ONCE;
const waiting: (() => void)[] = [];

async function inTurn<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
  if (free > 0) free -= 1;
  else await new Promise<void>((resolve) => waiting.push(resolve));
  try {
    signal?.throwIfAborted();
    return await work();
  } finally {
    const next = waiting.shift();
    if (next) next();
    else free += 1;
  }
}

/**
 * @param onSend when its turn has come
 * @throws {PostError} what to tell the person
 */
export function post(file: File, onSend: () => void, signal?: AbortSignal): Promise<Answer> {
  return inTurn(signal, async () => {
    onSend();
    return (await answerTo('./', [file], signal)) as Answer; // Of the server that this page came from.
  });
}

/** What became of one photo of several. */
type Together =
  | ({ readonly status: 'done'; readonly match: Face } & Pick<Answer, 'timings' | 'instance'>)
  | { readonly status: 'failed'; readonly problem: { readonly detail?: string } };

/**
 * Several photos in one request: a browser's few connections then hold many.
 * @param files ten at most
 * @throws {PostError} what to tell the person, when none of them was taken
 */
export function postTogether(
  files: readonly File[],
  signal: AbortSignal,
): Promise<readonly (Face | PostError)[]> {
  return inTurn(signal, async () => {
    const { photos } = (await answerTo('v1/recognitions', files, signal)) as {
      photos: readonly Together[];
    };
    return photos.map((photo) =>
      photo.status === 'done'
        ? photo.match
        : new PostError(photo.problem.detail ?? 'Not recognised.', false),
    );
  });
}

async function answerTo(
  path: string,
  files: readonly File[],
  signal: AbortSignal | undefined,
): Promise<unknown> {
  for (;;) {
    const response = await send(path, files, signal);
    if (response.status !== 401) return read(response);
    await askForKey();
  }
}

function send(
  path: string,
  files: readonly File[],
  signal: AbortSignal | undefined,
): Promise<Response> {
  const body = new FormData();
  for (const file of files) body.append('inputFile', file);
  const headers = { Accept: 'application/json', ...keyHeaders() };
  return fetch(path, { method: 'POST', body, headers, signal: signal ?? null }).catch((cause) => {
    signal?.throwIfAborted();
    throw new PostError('The server cannot be reached.', true, { cause });
  });
}

async function read(response: Response): Promise<unknown> {
  const text = await response.text();
  let said: unknown;
  try {
    said = JSON.parse(text);
  } catch (cause) {
    throw new PostError(`The server answered ${response.status}, not in JSON.`, true, { cause });
  }
  if (response.ok) return said;
  const mayPass = response.status === 429 || response.status >= 500;
  throw new PostError(wordsOf(said) ?? `The server answered ${response.status}.`, mayPass);
}

/** Of problem details (RFC 9457). */
function wordsOf(said: unknown): string | undefined {
  const { detail, title } = (said ?? {}) as { detail?: string; title?: string };
  return detail ?? title;
}
